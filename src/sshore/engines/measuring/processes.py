"""Sums over sessions' processes, from ``/proc/PID/stat`` and ``/proc/PID/io`` (proc(5))."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PARENT, _START_TIME, _RESIDENT_PAGES = 4, 22, 24
_TIMES = range(14, 18)
"""utime, stime, and those of children that have ended and were waited for."""
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """Memory that several processes share counts with each. Disk: None where this server may not read it
    (ptrace(2), PTRACE_MODE_READ)."""

    start_ticks: int
    cpu_s: float
    memory_bytes: int
    read_bytes: int | None
    written_bytes: int | None


def use_of_processes(agents: Iterable[int], proc: Path = PROC) -> dict[int, ProcessUse]:
    """What each agent and all its descendants have used, those that have ended included; without agents that are
    gone. All of /proc is read once: what an agent's session started is below it, as the agent is its pid 1."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    stats: dict[int, list[str]] = {}
    for entry in proc.iterdir():
        if entry.name.isdigit() and (fields := _stat(entry / "stat")):
            stats[int(entry.name)] = fields
            children[int(_field(fields, _PARENT))].append(int(entry.name))
    return {agent: _sum(agent, stats, children, proc) for agent in agents if agent in stats}


def _sum(agent: int, stats: dict[int, list[str]], children: dict[int, list[int]], proc: Path) -> ProcessUse:
    ticks, pages, read, written = 0, 0, 0, 0
    for pid in _with_descendants(agent, children):
        ticks += sum(int(_field(stats[pid], number)) for number in _TIMES)
        pages += max(int(_field(stats[pid], _RESIDENT_PAGES)), 0)
        of_one = _disk_bytes(proc / str(pid) / "io")
        read, written = read + of_one[0], written + of_one[1]
    known = _may_read(proc / str(agent) / "io")
    return ProcessUse(
        start_ticks=int(_field(stats[agent], _START_TIME)),
        cpu_s=ticks * _TICK_S,
        memory_bytes=pages * _PAGE_BYTES,
        read_bytes=read if known else None,
        written_bytes=written if known else None,
    )


def _with_descendants(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    left = [pid]
    while left:
        pid = left.pop()
        yield pid
        left += children.get(pid, [])


def _disk_bytes(path: Path) -> tuple[int, int]:
    """Bytes fetched from and sent to disks, of ended children that were waited for, too (kernel/exit.c)."""
    try:
        fields = dict(line.split(": ", 1) for line in path.read_text().splitlines())
        return int(fields["read_bytes"]), int(fields["write_bytes"])
    except (OSError, KeyError, ValueError):  # it has ended, or is not ours to read
        return 0, 0


def _may_read(path: Path) -> bool:
    """Whether it may be is said when it is read, not when it is opened."""
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def _stat(path: Path) -> list[str]:
    """The fields after the command's name, which is in parentheses and may hold anything."""
    try:
        return path.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return []


def _field(fields: list[str], number: int) -> str:
    return fields[number - 3]
