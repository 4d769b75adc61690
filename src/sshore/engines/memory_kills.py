"""Programs that the kernel has ended because a control group's memory was used up: its counter and its log.

The counter is exact and for every server; it lives as long as the group, whatever becomes of the server. Name and time
are in the kernel's log, which only root reads (dmesg_restrict), and which forgets: they may be missing. Blocking.
"""

import os
import re
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sshore.core.sessions import NO_KILLS, MemoryKills

CGROUPS = Path("/sys/fs/cgroup")
KERNEL_LOG = Path("/dev/kmsg")
_RECORD_BYTES = 8192
"""More than any record (Documentation/ABI/testing/dev-kmsg)."""
_KILL = re.compile(r"oom-kill:.*?,task_memcg=(?P<group>/[^,]*),task=(?P<task>.*),pid=\d+,uid=\d+$")


def memory_kills(groups: Collection[Path], root: Path = CGROUPS, log: Path = KERNEL_LOG) -> MemoryKills:
    """The kills in control groups, given by their directories (those of other controllers do not count)."""
    count = max(map(_counted, groups), default=0)
    if not count:
        return NO_KILLS
    paths = {f"/{group.relative_to(hierarchy)}" for group in groups for hierarchy in _hierarchies(root, group)}
    return replace(_last_in_log(paths, log), count=count)


def memory_kills_of(pid: int) -> MemoryKills:
    """The kills in the control groups of a process."""
    return memory_kills(memory_groups_of(pid))


def memory_groups_of(pid: int, root: Path = CGROUPS) -> list[Path]:
    """The directories of the groups that limit a process's memory, in both versions; none when it has ended."""
    groups = []
    for line in _lines(Path(f"/proc/{pid}/cgroup")):
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            groups.append(root / "memory" / path.lstrip("/"))
        elif number == "0":
            groups += [place / path.lstrip("/") for place in (root, root / "unified")]
    return [group for group in groups if group.is_dir()]


def _counted(group: Path) -> int:
    """Version 2 counts in memory.events, version 1 in memory.oom_control."""
    lines = (line for name in ("memory.events", "memory.oom_control") for line in _lines(group / name))
    return max((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), default=0)


def _hierarchies(root: Path, group: Path) -> Iterator[Path]:
    """The hierarchy that a group is in: the log names groups by their paths below it."""
    for hierarchy in (root / "memory", root / "unified", root):
        if group.is_relative_to(hierarchy):
            yield hierarchy
            return


def _last_in_log(groups: Collection[str], log: Path) -> MemoryKills:
    return last_kill(groups, _records(log))


def last_kill(groups: Collection[str], records: Iterable[str]) -> MemoryKills:
    """The last kill in control groups, given by their paths in their hierarchy, that the kernel's log has."""
    found = NO_KILLS
    for record in records:
        head, _, message = record.partition(";")
        kill = _KILL.search(message.partition("\n")[0])
        if kill and any(kill["group"] == group or kill["group"].startswith(f"{group}/") for group in groups):
            found = MemoryKills(program=kill["task"], at=_time(int(head.split(",")[2])))
    return found


def _records(log: Path) -> Iterator[str]:
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        while True:
            try:
                record = os.read(descriptor, _RECORD_BYTES)
            except BrokenPipeError:  # it was overwritten meanwhile: the next is another
                continue
            except OSError:  # there is no more
                return
            if not record:
                return
            yield record.decode(errors="replace")
    finally:
        os.close(descriptor)


def _time(since_boot_us: int) -> datetime:
    ago_s = time.clock_gettime(time.CLOCK_MONOTONIC) - since_boot_us / 1e6
    return datetime.fromtimestamp(time.time() - max(ago_s, 0), UTC)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
