"""Processes of a session that keep a directory: with open files, working directories and mapped files on its mount, or
with mounts of their own that show some of it. Blocking; for a server that may look at them.

Who makes a user namespace may copy a mount (open_tree(2)) and lay it nowhere: no table of mounts has it, and what is
open there is told by nothing but the disk that it is on.
"""

import os
import select
import signal
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sshore.engines.mounting.mount_table import mount_number, mounts_of

_END_TIMEOUT_MS = 2000
_O_PATH = os.O_PATH | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class MountedDirectory:
    """A directory as a session can have it: by mounts of the agent's (their `numbers`), by other mounts that show
    `root` of `device` or what is in it (proc(5), mountinfo), or on the disk (`st_dev`) by mounts that no table has."""

    numbers: Collection[int]
    device: str
    root: str
    disk: int


def end_holders(agent: int, directory: MountedDirectory) -> int:
    """Kill the processes that keep a directory, but not the agent, pid 1 of the session; how many there were."""
    mine = _mounts_namespace(agent)
    # On a mount of ours is the session's log, which its programs have inherited.
    known = {entry.number for process in (agent, "self") for entry in mounts_of(process)}
    ended = 0
    for pid in descendants(agent):
        others = [] if _mounts_namespace(pid) == mine else mounts_of(pid)
        tables = known.union(entry.number for entry in others)
        shows = any(
            entry.device == directory.device and PurePosixPath(entry.root).is_relative_to(directory.root)
            for entry in others
        )
        if shows or _holds(pid, directory, tables):
            ended += _kill(pid)
    return ended


def descendants(agent: int) -> Iterator[int]:
    """The processes of a session: who loses its parent becomes the child of pid 1."""
    children = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                children[int(parent)].append(int(entry.name))
    waiting = [*children[agent]]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children[pid]


def _holds(pid: int, directory: MountedDirectory, tables: Collection[int]) -> bool:
    """`tables`: the numbers of the mounts that can be seen."""
    process = Path(f"/proc/{pid}")
    with suppress(OSError):
        for file in (process / "fdinfo").iterdir():
            number = mount_number(file)
            if number in directory.numbers:
                return True
            # Only now: to look at a file takes longer than at its number, and asks its disk.
            if number and number not in tables and _disk(process / "fd" / file.name) == directory.disk:
                return True
    links = [process / "cwd", process / "root", process / "exe"]
    with suppress(OSError):  # mapped files, which only root may open so
        links += (process / "map_files").iterdir()
    return any(_is_on(link, directory, tables) for link in links)


def _is_on(link: Path, directory: MountedDirectory, tables: Collection[int]) -> bool:
    with suppress(OSError):
        place = os.open(link, _O_PATH)
        try:
            number = mount_number(Path(f"/proc/self/fdinfo/{place}"))
            return number in directory.numbers or (number not in tables and os.fstat(place).st_dev == directory.disk)
        finally:
            os.close(place)
    return False


def _disk(link: Path) -> int | None:
    with suppress(OSError):
        return link.stat().st_dev
    return None


def _mounts_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    except OSError:
        return ""


def _kill(pid: int) -> int:
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(_END_TIMEOUT_MS)
        finally:
            os.close(pidfd)
        return 1
    return 0
