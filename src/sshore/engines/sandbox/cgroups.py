"""Limits by control groups: cgroups(7), version 1 and 2, whichever this host has a controller in.

A session that has limits gets one directory in each hierarchy that enforces one:

    version 1   /sys/fs/cgroup/<controller>/sshore/<id>
    version 2   /sys/fs/cgroup/sshore/<id>              where the server is root on the host
                <the server's own cgroup>/sshore/<id>   where that subtree is delegated to it; processes may
                                                        only be in leaves, so that the server moves into one
"""

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sshore.core.errors import InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import Resources
from sshore.wire.problems import Code

log = logging.getLogger("sshore.cgroups")

ROOT = Path("/sys/fs/cgroup")
_OURS = "sshore"
_SERVER_LEAF = "sshore-server"
_PERIOD_US = 100_000
_REMOVE_TIMEOUT_S = 5.0
_WAY_OUT = (
    "the server may not write its cgroup; run it as `systemd-run --user --scope -p Delegate=yes sshore up`, "
    "or as root, or leave the limit out"
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its controller, the option's name, and the files to write in either version."""

    controller: str
    field: str
    v1: Callable[[Resources], dict[str, str]]
    v2: Callable[[Resources], dict[str, str]]


def _quota(resources: Resources) -> int:
    return max(1000, int((resources.cpus or 0) * _PERIOD_US))


_LIMITS = (
    Limit(
        "cpu",
        "cpus",
        lambda wanted: {"cpu.cfs_period_us": f"{_PERIOD_US}", "cpu.cfs_quota_us": f"{_quota(wanted)}"},
        lambda wanted: {"cpu.max": f"{_quota(wanted)} {_PERIOD_US}"},
    ),
    Limit(
        "memory",
        "memory_bytes",
        # memory+swap after memory, which it may not be below; where the kernel does not count swap, it is not used.
        lambda wanted: {
            "memory.limit_in_bytes": f"{wanted.memory_bytes}",
            "memory.memsw.limit_in_bytes": f"{wanted.memory_bytes}",
            "memory.swappiness": "0",
        },
        lambda wanted: {"memory.max": f"{wanted.memory_bytes}", "memory.swap.max": "0"},
    ),
    Limit(
        "pids",
        "pids",
        lambda wanted: {"pids.max": f"{wanted.pids}"},
        lambda wanted: {"pids.max": f"{wanted.pids}"},
    ),
)
_UNASKED = Resources(pids=1024, memory_bytes=64 << 20)
"""Limits that sessions get without asking for them, and what they are tried with."""
_OPTIONAL = {"memory.memsw.limit_in_bytes", "memory.swap.max", "memory.swappiness"}
"""Files that a kernel without swap accounting lacks."""


class Cgroups:
    """The hierarchies of this host, as far as the server may write them. Blocking, a few system calls each."""

    def __init__(self, root: Path = ROOT, own_membership: Path = Path("/proc/self/cgroup")) -> None:
        self._root = root
        self._own_membership = own_membership

    def check(self, wanted: Resources) -> None:
        """Refuse a limit that cannot be enforced here.

        Raises:
            InvalidInput: names the limit and the way to get it (code ``limit_unsupported``).
        """
        for limit in _wanted(wanted):
            if self._base(limit.controller) is None:
                raise InvalidInput(
                    f"a limit on {limit.field.partition('_')[0]} cannot be enforced here: {_WAY_OUT}",
                    code=Code.LIMIT_UNSUPPORTED,
                    field=limit.field,
                )

    def enforceable(self) -> set[str]:
        """The limits of processes and memory (their fields) that can be set without anybody's asking for them: where
        a group can be made, and nobody else's processes must move for it. Tries it."""
        free = {limit.field for limit in _wanted(_UNASKED) if self._is_free(limit.controller)}
        pids, memory_bytes = (getattr(_UNASKED, name) if name in free else None for name in ("pids", "memory_bytes"))
        trial = Resources(pids=pids, memory_bytes=memory_bytes)
        directories = self.plan(SessionId(f"trial-{os.getpid()}"), trial)
        try:
            self.make(directories, trial)
            remove(directories)
        except OSError as error:
            log.warning("sessions without limits are in no cgroups", extra={"reason": str(error)})
            return set()
        return free

    def _is_free(self, controller: str) -> bool:
        base = self._base(controller)
        if base is None or not (base / "cgroup.type").exists():
            return base is not None
        # Of version 2, below the root: what is in the group must move into a leaf.
        return all(pid == os.getpid() or _parent(pid) == os.getpid() for pid in _pids(base))

    def plan(self, session_id: SessionId, wanted: Resources) -> tuple[Path, ...]:
        """The directories that a session with these limits gets; nothing is made."""
        bases = [self._base(limit.controller) for limit in _wanted(wanted)]
        return tuple(dict.fromkeys(base / _OURS / session_id for base in bases if base))

    def make(self, directories: Sequence[Path], wanted: Resources) -> None:
        """Make the directories and write the limits."""
        for directory in directories:
            self._enable_controllers(directory)
            directory.mkdir(parents=True, exist_ok=True)
        for limit in _wanted(wanted):
            self._write_limit(limit, directories, wanted)

    def _write_limit(self, limit: Limit, directories: Sequence[Path], wanted: Resources) -> None:
        v1 = self._root / limit.controller
        for directory in directories:
            if directory.is_relative_to(v1):
                _write_all(directory, limit.v1(wanted))
            elif self._is_v2(directory):
                _write_all(directory, limit.v2(wanted))

    def _base(self, controller: str) -> Path | None:
        """Where directories that enforce a controller can be made; None where the server may not."""
        unified = self._unified()
        if unified and controller in _words(unified / "cgroup.controllers"):
            return self._base_v2(unified, controller)
        v1 = self._root / controller
        return v1 if (v1 / "cgroup.procs").exists() and _writable(v1) else None

    def _base_v2(self, unified: Path, controller: str) -> Path | None:
        # The host's root group alone has no cgroup.type, and alone may have processes beside groups.
        if _writable(unified) and not (unified / "cgroup.type").exists():
            return unified
        own = self._own(unified)
        usable = controller in _words(own / "cgroup.controllers") and _writable(own)
        return own if usable and os.access(own / "cgroup.subtree_control", os.W_OK) else None

    def _own(self, unified: Path) -> Path:
        for line in self._own_membership.read_text().splitlines():
            if line.startswith("0::"):
                own = unified / line.removeprefix("0::").lstrip("/")
                return own.parent if own.name == _SERVER_LEAF else own
        return unified

    def _unified(self) -> Path | None:
        for place in (self._root, self._root / "unified"):
            if (place / "cgroup.controllers").exists():
                return place
        return None

    def _is_v2(self, directory: Path) -> bool:
        unified = self._unified()
        in_v1 = any(directory.is_relative_to(self._root / limit.controller) for limit in _LIMITS)
        return unified is not None and directory.is_relative_to(unified) and not in_v1

    def _enable_controllers(self, directory: Path) -> None:
        """Pass the controllers on to a session's group (version 2), which its two parents must do."""
        if not self._is_v2(directory):
            return
        ours = directory.parent
        base = ours.parent
        if (base / "cgroup.type").exists():
            self._move_server_into_leaf(base)
        ours.mkdir(exist_ok=True)
        for group in (base, ours):
            available = _words(group / "cgroup.controllers") & {limit.controller for limit in _LIMITS}
            missing = available - _words(group / "cgroup.subtree_control")
            if missing:
                (group / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in sorted(missing)))

    def _move_server_into_leaf(self, base: Path) -> None:
        leaf = base / _SERVER_LEAF
        for pid in (base / "cgroup.procs").read_text().split():
            leaf.mkdir(exist_ok=True)
            with contextlib.suppress(ProcessLookupError):
                (leaf / "cgroup.procs").write_text(pid)


def attach(directories: Sequence[Path], pid: int) -> None:
    """Put a process, and all that it will start, into a session's groups."""
    for directory in directories:
        (directory / "cgroup.procs").write_text(str(pid))


def out_of_memory_kills(directories: Sequence[Path]) -> int:
    """How many processes of a session the kernel has killed because of its memory limit."""
    counts = [
        int(line.split()[1])
        for directory in directories
        for name in ("memory.events", "memory.oom_control")
        for line in _lines(directory / name)
        if line.startswith("oom_kill ")
    ]
    return max(counts, default=0)


def remove(directories: Sequence[Path]) -> None:
    """Remove a session's groups, whose processes have ended; blocks until the kernel lets go of the last."""
    deadline = time.monotonic() + _REMOVE_TIMEOUT_S
    for directory in directories:
        while directory.exists():
            try:
                directory.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)  # A process that has ended leaves its group a moment later.


def _wanted(resources: Resources) -> Iterator[Limit]:
    return (limit for limit in _LIMITS if getattr(resources, limit.field) is not None)


def _write_all(directory: Path, files: dict[str, str]) -> None:
    for name, value in files.items():
        if name not in _OPTIONAL or (directory / name).exists():
            (directory / name).write_text(value)


def _writable(directory: Path) -> bool:
    return os.access(directory, os.W_OK | os.X_OK)


def _pids(group: Path) -> list[int]:
    return [int(line) for line in _lines(group / "cgroup.procs")]


def _parent(pid: int) -> int:
    """The parent of a process (proc_pid_stat(5)); 0 when it has ended."""
    fields = "".join(_lines(Path(f"/proc/{pid}/stat"))).rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _words(path: Path) -> set[str]:
    return {word for line in _lines(path) for word in line.split()}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
