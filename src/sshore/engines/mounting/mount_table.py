"""The mounts of a process as the kernel tells them (proc(5), mountinfo), and which of them show a directory."""

import errno
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, slots=True)
class MountEntry:
    """`device` and `root` say what is mounted, `point` where, `options` how (mount(8), those of the mount)."""

    number: int
    above: int
    device: str
    root: str
    point: str
    options: frozenset[str] = frozenset()


def mounts_of(pid: int | str) -> list[MountEntry]:
    """The mounts that a process sees; none when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [_entry(line) for line in lines]


def shown_as(source: int) -> tuple[str, str]:
    """What the mounts that show an open directory have as their device and root.

    Raises:
        FileNotFoundError: it is no longer there.
    """
    path = Path(f"/proc/self/fd/{source}").readlink()
    number = mount_number(Path(f"/proc/self/fdinfo/{source}"))
    for entry in mounts_of("self"):
        if entry.number == number and path.is_relative_to(entry.point):
            return entry.device, str(PurePosixPath(entry.root, path.relative_to(entry.point)))
    raise FileNotFoundError(errno.ENOENT, "the directory is gone", str(path))


def showing(entries: Iterable[MountEntry], source: tuple[str, str]) -> list[MountEntry]:
    """The mounts that show a directory and what is mounted in it, the innermost first."""
    found: dict[int, MountEntry] = {}
    # The kernel tells them in the order in which they came to be: what is above comes before.
    for entry in entries:
        if (entry.device, entry.root) == source or entry.above in found:
            found[entry.number] = entry
    return list(reversed(found.values()))


def mount_number(fdinfo: Path) -> int:
    """The mount that an open file is on; 0 when it has been closed."""
    try:
        found = re.search(r"^mnt_id:\s*(\d+)", fdinfo.read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found.group(1)) if found else 0


def _entry(line: str) -> MountEntry:
    number, above, device, root, point, options = line.split(" ", 6)[:6]
    return MountEntry(int(number), int(above), device, _plain(root), _plain(point), frozenset(options.split(",")))


def _plain(text: str) -> str:
    """Without the escapes of blanks, line breaks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)
