"""What control groups count, in both versions (cgroups(7)); each value is None where no group counts it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class GroupUse:
    cpu_s: float | None = None
    memory_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None


def use_of_groups(groups: Iterable[Path]) -> GroupUse:
    """What a session's groups, given by their directories, have counted. Of disks only version 2 tells: version 1
    counts what is written past the page cache alone (Documentation/admin-guide/cgroup-v1/blkio-controller)."""
    cpu_s, memory, read, written = None, None, None, None
    for group in groups:
        cpu_s = cpu_s if cpu_s is not None else _cpu_s(group)
        memory = memory if memory is not None else _memory_bytes(group)
        if read is None:
            read, written = _disk_bytes(group)
    return GroupUse(cpu_s, memory, read, written)


def groups_named(pid: int, name: str, root: Path = CGROUPS, proc: Path = Path("/proc")) -> list[Path]:
    """The groups of a process whose paths have a part with this name in it, up to that part; none where the process
    is another's by now, or not seen from here."""
    found: dict[Path, None] = {}
    for line in _lines(proc / str(pid) / "cgroup"):
        _, controllers, path = line.split(":", 2)
        parts = path.strip("/").split("/")
        end = next((at for at, part in enumerate(parts, 1) if name in part), 0)
        if end and ".." not in parts:
            for place in _places(controllers, root):
                found[place.joinpath(*parts[:end])] = None
    return [group for group in found if group.is_dir()]


def _places(controllers: str, root: Path) -> list[Path]:
    return [root / name for name in controllers.split(",")] if controllers else [root, root / "unified"]


def _cpu_s(group: Path) -> float | None:
    nanoseconds = _number(group / "cpuacct.usage")
    if nanoseconds is not None:
        return nanoseconds / 1e9
    microseconds = _fields(group / "cpu.stat").get("usage_usec")
    return None if microseconds is None else microseconds / 1e6


def _memory_bytes(group: Path) -> int | None:
    """Without files that the kernel keeps in memory as long as nobody needs it, as `docker stats` has it."""
    for usage, inactive in (("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")):
        used = _number(group / usage)
        if used is not None:
            return max(used - _fields(group / "memory.stat").get(inactive, 0), 0)
    return None


def _disk_bytes(group: Path) -> tuple[int | None, int | None]:
    """Of all disks (``io.stat``: ``8:0 rbytes=… wbytes=…``)."""
    if not (group / "io.stat").exists():
        return None, None
    words = [word.partition("=") for line in _lines(group / "io.stat") for word in line.split()[1:]]
    read, written = (sum(int(value) for key, _, value in words if key == name) for name in ("rbytes", "wbytes"))
    return read, written


def _fields(path: Path) -> dict[str, int]:
    return dict(_pairs(path))


def _pairs(path: Path) -> Iterator[tuple[str, int]]:
    for line in _lines(path):
        key, _, value = line.partition(" ")
        if value.strip().isdigit():
            yield key, int(value)


def _number(path: Path) -> int | None:
    lines = _lines(path)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
