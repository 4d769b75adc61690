"""CPU time of sessions' processes, from ``/proc/PID/stat`` (proc(5)), which everyone may read."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sshore.engines.sandbox.processes import Process

_PARENT, _START_TIME = 4, 22
_TIMES = range(14, 18)
"""utime, stime, and those of children that have ended and were waited for."""
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_times_s(agents: Iterable[Process], proc: Path = Path("/proc")) -> dict[Process, float]:
    """Seconds used by each agent and all its descendants, those that have ended included; without agents that are
    gone. All of /proc is read once: what an agent's session started is below it, as the agent is its pid 1."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    stats: dict[int, list[str]] = {}
    for entry in proc.iterdir():
        if entry.name.isdigit() and (fields := _stat(entry / "stat")):
            stats[int(entry.name)] = fields
            children[int(_field(fields, _PARENT))].append(int(entry.name))
    return {
        agent: _sum(agent.pid, stats, children) * _TICK_S
        for agent in agents
        if agent.pid in stats and int(_field(stats[agent.pid], _START_TIME)) == agent.start_ticks
    }


def _sum(pid: int, stats: dict[int, list[str]], children: dict[int, list[int]]) -> int:
    ticks, left = 0, [pid]
    while left:
        pid = left.pop()
        ticks += sum(int(_field(stats[pid], number)) for number in _TIMES)
        left += children.get(pid, [])
    return ticks


def _stat(path: Path) -> list[str]:
    """The fields after the command's name, which is in parentheses and may hold anything."""
    try:
        return path.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return []


def _field(fields: list[str], number: int) -> str:
    return fields[number - 3]
