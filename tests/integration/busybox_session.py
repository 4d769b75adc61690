"""A session for tests of kit and agent: a root file system that holds nothing but a static busybox,
with the kit at /opt/sshore, the platform's files at /run/sshore, and the agent as its program."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from parking_gateway import ParkingGateway

from bench.processes import wait_ready
from sshore.core import layout, run_files
from sshore.kit.build import Kit, build_kit

SESSION = "busyboxtest1"
UID = 70123
"""The session's uid on the host, where the tests run as root."""
APPLETS = (
    "cat",
    "dd",
    "echo",
    "env",
    "id",
    "kill",
    "ls",
    "mkdir",
    "ps",
    "sh",
    "sha256sum",
    "sleep",
    "stty",
    "true",
    "tty",
)


@dataclass
class BusyboxSession:
    """Where everything is, and the running sandbox."""

    root: Path
    gateway: ParkingGateway
    process: subprocess.Popen[bytes]
    token: str

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def log(self) -> str:
        return (self.root / "log").read_text()

    @property
    def agent_pid(self) -> int:
        """The agent's pid on the host; the sandbox's first process forks it."""
        return next(pid for pid in descendants(self.process.pid) if _is_agent(pid))

    def ssh_options(self) -> list[str]:
        known_hosts = self.root / "known_hosts"
        return [
            *("-F", "none", "-i", str(self.root / "key"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
            *("-o", f"UserKnownHostsFile={known_hosts}", "-o", f"HostKeyAlias={SESSION}.sshore"),
        ]

    def ssh(self, *command: str, options: tuple[str, ...] = (), **arguments) -> subprocess.CompletedProcess[str]:
        line = ["ssh", *self.ssh_options(), *options, "-p", str(self.gateway.port), "work@127.0.0.1", *command]
        arguments = {"stdin": subprocess.DEVNULL} | arguments if "input" not in arguments else arguments
        return subprocess.run(line, capture_output=True, text=True, timeout=60, **arguments)


@contextmanager
def temporary_kit() -> Iterator[Kit]:
    """A kit in a place that every uid can reach, which pytest's own directories are not."""
    root = Path(tempfile.mkdtemp(prefix="sshore-kit-"))
    root.chmod(0o711)
    try:
        yield build_kit(root / "kit")
    finally:
        shutil.rmtree(root)


@contextmanager
def busybox_session(kit: Path, *, apps: tuple[str, ...] = ("ssh",)) -> Iterator[BusyboxSession]:
    """Run one, and leave nothing of it behind."""
    root = Path(tempfile.mkdtemp(prefix="sshore-busybox-"))
    root.chmod(0o711)
    token = secrets.token_hex(8)
    (root / "link").mkdir()
    try:
        _make_root(root / "rootfs")
        _open_to_all(root / "link", root / "rootfs")
        _make_run(root, token, apps)
        with ParkingGateway(root / "link" / layout.LINK_SOCKET_NAME, token) as gateway:
            process = _start(root, kit)
            try:
                wait_ready(process, lambda _: bool(gateway.parked), root / "log")
                yield BusyboxSession(root, gateway, process, token)
            finally:
                _end(process)
    finally:
        shutil.rmtree(root)


def descendants(pid: int) -> list[int]:
    """All processes below one, by /proc; the nearest first."""
    found = [pid]
    for parent in found:
        with suppress(OSError):  # it has ended
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found[1:]


def state_of(pid: int) -> str:
    """The state of a process as in proc(5): ``S`` sleeping, ``Z`` zombie; ``X`` when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return "X"


def wait_until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def _is_agent(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return False
    return tuple(words[:-1]) == layout.AGENT_COMMAND


def _make_root(rootfs: Path) -> None:
    for directory in ("bin", "etc", "proc", "dev", "tmp", "home/work", "opt/sshore", "run/sshore"):
        (rootfs / directory).mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin" / "busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")
    (rootfs / "etc" / "passwd").write_text(f"work:x:1000:1000::{layout.HOME}:/bin/sh\n")
    (rootfs / "etc" / "group").write_text("work:x:1000:\n")


def _open_to_all(*roots: Path) -> None:
    """Whatever the umask of who runs the tests."""
    for root in roots:
        for path in (root, *root.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)


def _make_run(root: Path, token: str, apps: tuple[str, ...]) -> None:
    run, home = root / "run", root / "home"
    run.mkdir()
    home.mkdir()
    (run / "link").mkdir()
    _keys(root, run)
    environment = {"PATH": f"{layout.PATH}:{layout.KIT_BIN}", "GREETING": "hello there"}
    (run / "sshd_config").write_text(run_files.sshd_config(environment, [layout.HOST_KEY], cpu_has_aes=True))
    (run / "agent.json").write_text(run_files.agent_config(SESSION, token, apps))
    for path in (home, run, *run.iterdir()):
        if os.getuid() == 0:
            os.chown(path, UID, UID)
        path.chmod(0o700 if path.is_dir() else 0o600)


def _keys(root: Path, run: Path) -> None:
    for key in (root / "ca", run / "ssh_host_key", root / "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    host = ["ssh-keygen", "-q", "-s", root / "ca", "-h", "-I", SESSION, "-n", f"{SESSION}.sshore"]
    subprocess.run([*host, run / "ssh_host_key.pub"], check=True)
    authority = (root / "ca.pub").read_text()
    (root / "known_hosts").write_text(f"@cert-authority *.sshore {authority}")
    (run / "user_ca.pub").write_text(authority)
    (run / "principals").write_text(f"{SESSION}\n")
    (run / "authorized_keys").write_text((root / "key.pub").read_text())


def _start(root: Path, kit: Path) -> subprocess.Popen[bytes]:
    command = [
        *("bwrap", "--unshare-all", "--uid", "1000", "--gid", "1000", "--new-session", "--die-with-parent"),
        *("--clearenv", "--setenv", "PATH", layout.PATH, "--bind", str(root / "rootfs"), "/"),
        *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--bind", str(root / "home"), layout.HOME),
        *("--ro-bind", str(kit), layout.KIT, "--ro-bind", str(root / "run"), layout.RUN),
        *("--bind", str(root / "link"), layout.LINK, "--", *layout.AGENT_COMMAND),
    ]
    as_owner = {"user": UID, "group": UID, "extra_groups": []} if os.getuid() == 0 else {}
    with (root / "log").open("wb") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **as_owner
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    pids = descendants(process.pid)
    process.kill()
    process.wait()
    # Orphans that have ended may wait for this machine's init to reap them, which takes a second on some.
    wait_until(lambda: all(state_of(pid) in "ZX" for pid in pids))
