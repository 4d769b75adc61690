"""A Docker daemon of the tests' own: its own data, socket and containerd; one for a test run (gate/shared_daemons.py).

    with docker_daemon() as daemon:
        daemon.need(BUSYBOX)                         # see docker_images.py
        daemon.kill(); daemon.start()

Where the machine cannot run one, the tests that need it are skipped visibly, and fail in CI.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from integration.docker_images import make
from integration.firewall import FirewallAsItWas

START_DEADLINE_S = 60.0


class DockerDaemon:
    """dockerd beside a containerd, as systemd starts them, with live-restore: containers outlive it."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self._options = options
        self.socket = directory / "docker.sock"
        self.host = f"unix://{self.socket}"
        self._firewall: FirewallAsItWas | None = None
        self._containerd: subprocess.Popen[bytes] | None = None
        self._dockerd: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._dockerd is not None, "it was not started"
        return self._dockerd.pid

    def start(self) -> None:
        """Start it, and return when it answers."""
        if self._containerd is None:
            self.remember_firewall()
            self._containerd = self._start_containerd()
        (self.directory / "daemon.json").write_text("{}")
        (self.directory / "dockerd.pid").unlink(missing_ok=True)
        self._dockerd = self._spawn(
            "dockerd",
            *(
                "--data-root",
                str(self.directory / "data"),
                "--exec-root",
                str(self.directory / "exec"),
                "--pidfile",
                str(self.directory / "dockerd.pid"),
                "--host",
                self.host,
            ),
            *(
                "--config-file",
                str(self.directory / "daemon.json"),
                "--containerd",
                str(self.directory / "containerd.sock"),
            ),
            *("--bridge", "none", "--live-restore", "--log-level", "warn"),
            *self._options,
        )
        self._until(lambda: self.docker("version").returncode == 0, self._dockerd)

    def remember_firewall(self) -> None:
        self._firewall = self._firewall or FirewallAsItWas()

    def kill(self) -> None:
        """End it as a crash does; its containers go on."""
        _end(self._dockerd, signal.SIGKILL)

    def clear(self) -> None:
        """End everything: containers, networks, the daemons; and remove every file."""
        if self._dockerd is not None and self._dockerd.poll() is None:
            for container in self.ok("ps", "-aq").split():
                self.docker("rm", "-fv", container)
            for network in self.ok("network", "ls", "-q", "--filter", "label=sshore.network").split():
                self.docker("network", "rm", network)
        _end(self._dockerd, signal.SIGTERM)
        _end(self._containerd, signal.SIGTERM)
        _kill_left_behind(str(self.directory))
        if self._firewall is not None:
            self._firewall.restore()
        for mount in reversed(_mounts_below(self.directory)):
            subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(self.directory)

    def docker(self, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", "--host", self.host, *words], input=stdin, capture_output=True, timeout=60)

    def ok(self, *words: str, stdin: bytes | None = None) -> str:
        done = self.docker(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def inspect(self, container: str) -> dict[str, Any]:
        (found,) = json.loads(self.ok("inspect", container))
        return dict(found)

    def containers(self, *labels: str) -> list[str]:
        """The ids of the containers with these labels, whatever their state."""
        filters = (word for label in labels for word in ("--filter", f"label={label}"))
        return self.ok("ps", "-aq", "--no-trunc", *filters).split()

    def need(self, image: str) -> str:
        """Make one of the images of docker_images.py, if it is not made yet, by one worker at a time; its name."""
        with (self.directory / "images.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.docker("image", "inspect", image).returncode:
                self.ok("load", stdin=make(image))
        return image

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-5000:]

    def _start_containerd(self) -> subprocess.Popen[bytes]:
        socket = self.directory / "containerd.sock"
        (self.directory / "containerd.toml").write_text(
            'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        )
        words = ("--config", "containerd.toml", "--log-level", "warn")
        process = self._spawn(
            "containerd",
            *words,
            "--root",
            str(self.directory / "containerd"),
            "--state",
            str(self.directory / "containerd-run"),
            "--address",
            str(socket),
        )
        self._until(socket.exists, process)
        return process

    def _spawn(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        how = {"cwd": self.directory, "env": {**os.environ, **environment}, "stdin": subprocess.DEVNULL}
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(words, stdout=log, stderr=log, **how)  # type: ignore[call-overload,no-any-return]

    def _until(self, it_is_ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while not it_is_ready():
            assert process.poll() is None, f"it ended: {self.log()}"
            assert time.monotonic() < deadline, f"it is not ready: {self.log()}"
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes] | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)
        process.wait(30)


@contextmanager
def docker_daemon(*options: str) -> Iterator[DockerDaemon]:
    """A daemon that runs; `options` are more of dockerd(8)'s."""
    directory = Path(tempfile.mkdtemp(prefix="sshore-dockerd-"))
    directory.chmod(0o711)
    daemon = DockerDaemon(directory, *options)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.clear()


def why_no_docker() -> str:
    """Why there can be no daemon here; empty where there can."""
    missing = [
        name for name in ("dockerd", "containerd", "runc", "docker", "busybox", "iptables") if not shutil.which(name)
    ]
    if missing:
        return f"not installed here: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "needs root"


def _kill_left_behind(directory: str) -> None:
    """The containers of a daemon that was killed, and does not start again, and the shims above them."""
    shims = [
        process for process in psutil.process_iter(["cmdline"]) if directory in " ".join(process.info["cmdline"] or ())
    ]
    for process in [*(child for shim in shims for child in shim.children(recursive=True)), *shims]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _mounts_below(directory: Path) -> list[str]:
    places = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
    return [place for place in places if Path(place).is_relative_to(directory)]
