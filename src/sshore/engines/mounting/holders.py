"""Processes of a session that keep a mount: with open files, working directories and mapped files there, or with mounts
of their own in which it still is. Blocking; for a server that may look at them."""

import os
import select
import signal
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from sshore.engines.mounting.mount_table import mount_number, mounts_of

_END_TIMEOUT_MS = 2000
_O_PATH = os.O_PATH | os.O_CLOEXEC


def end_holders(agent: int, numbers: Collection[int], source: tuple[str, str]) -> int:
    """Kill them, but for the agent, which is pid 1 of the session; how many there were."""
    mine = _mounts_namespace(agent)
    ended = 0
    for pid in descendants(agent):
        if _holds(pid, numbers) or (_mounts_namespace(pid) != mine and _sees(pid, source)):
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


def _holds(pid: int, numbers: Collection[int]) -> bool:
    process = Path(f"/proc/{pid}")
    with suppress(OSError):
        if any(mount_number(file) in numbers for file in (process / "fdinfo").iterdir()):
            return True
    links = [process / "cwd", process / "root", process / "exe"]
    with suppress(OSError):  # mapped files, which only root may open so
        links += (process / "map_files").iterdir()
    return any(_is_on(link, numbers) for link in links)


def _is_on(link: Path, numbers: Collection[int]) -> bool:
    with suppress(OSError):
        place = os.open(link, _O_PATH)
        try:
            return mount_number(Path(f"/proc/self/fdinfo/{place}")) in numbers
        finally:
            os.close(place)
    return False


def _sees(pid: int, source: tuple[str, str]) -> bool:
    return any((entry.device, entry.root) == source for entry in mounts_of(pid))


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
