"""A Docker daemon of the tests' own: its own data, socket and containerd; one for a test run.

    with docker_daemon() as daemon:
        daemon.need(BUSYBOX)                         # see docker_images.py
        daemon.kill(); daemon.start()

Where the machine cannot run one, the tests that need it are skipped visibly, and fail in CI.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from integration.docker_images import IMAGES

START_DEADLINE_S = 60.0


class DockerDaemon:
    """dockerd with live-restore, so that containers outlive it. `run` is its docker(1)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "docker.sock"
        self.host = f"unix://{self.socket}"
        self._pid_file = directory / "dockerd.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        config = self.directory / "daemon.json"
        config.write_text("{}")
        with (self.directory / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    *("--data-root", str(self.directory / "data"), "--exec-root", str(self.directory / "exec")),
                    *("--pidfile", str(self._pid_file), "--host", self.host, "--config-file", str(config)),
                    *("--bridge", "none", "--live-restore", "--log-level", "warn"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while self.docker("version").returncode:
            assert self._process.poll() is None, f"dockerd ended: {self.log()}"
            assert time.monotonic() < deadline, f"dockerd does not answer: {self.log()}"
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does; its containerd and its containers go on."""
        self._end(signal.SIGKILL)
        self._pid_file.unlink(missing_ok=True)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def clear(self) -> None:
        """End everything: containers, networks, the daemon, its containerd; and remove every file."""
        if self._process is not None and self._process.poll() is None:
            for container in self.ok("ps", "-aq").split():
                self.docker("rm", "-fv", container)
            for network in self.ok("network", "ls", "-q", "--filter", "type=custom").split():
                self.docker("network", "rm", network)
            self.stop()
        self._end_containerd()
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
        """Make one of the images of docker_images.py, if it is not made yet; its name."""
        if self.docker("image", "inspect", image).returncode:
            rootfs, changes = IMAGES[image]
            self.build(image, rootfs(), *changes)
        return image

    def build(self, name: str, rootfs: bytes, *changes: str) -> None:
        """An image from a root file system in tar(5) form; `changes` are Dockerfile lines, such as ``ENV A=b``."""
        options = (word for change in changes for word in ("--change", change))
        self.ok("import", *options, "-", name, stdin=rootfs)

    def log(self) -> str:
        return (self.directory / "dockerd.log").read_text(errors="replace")[-5000:]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(30)

    def _end_containerd(self) -> None:
        """The one that a killed dockerd left, if the last one did not take it along."""
        with suppress(OSError, ValueError):
            pid = int((self.directory / "exec/containerd/containerd.pid").read_text())
            if str(self.directory) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)


@contextmanager
def docker_daemon() -> Iterator[DockerDaemon]:
    directory = Path(tempfile.mkdtemp(prefix="sshore-dockerd-"))
    directory.chmod(0o711)
    daemon = DockerDaemon(directory)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.clear()


def why_no_docker() -> str:
    """Why there can be no daemon here; empty where there can."""
    missing = [name for name in ("dockerd", "containerd", "runc", "docker", "busybox") if not shutil.which(name)]
    if missing:
        return f"not installed here: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "needs root"


def _mounts_below(directory: Path) -> list[str]:
    places = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
    return [place for place in places if Path(place).is_relative_to(directory)]
