"""Quotas that the kernel holds: project quotas of ext4 and xfs (quotactl(2), PRJQUOTA), which bind whoever writes.

Every file of an owner's folders bears the owner's uid as its project, which new files inherit from their directory;
every home has a project of its own, which only the home itself tells.
Moving one from another project's directory into one that bequeaths its own is refused by the kernel (EXDEV), so that
what is to be moved has to bear it before. ext4 refuses what is over a quota with EDQUOT, and nothing to root; xfs with
ENOSPC, as if the disk were full, to root, too. Blocking.
"""

import ctypes
import errno
import fcntl
import os
import secrets
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_QUOTACTL_FD = 443
"""From Linux 5.14 on; the same on every architecture."""
_GET, _SET, _PROJECTS = 0x800007, 0x800008, 2
_LIMIT = struct.Struct("QQQQQQQQI4x")
"""struct if_dqblk: hard and soft limit in KiB, bytes used, …, which of these are meant."""
_MEANS_BLOCK_LIMITS = 1
_COUNTS = 6
"""Limits and use of blocks and of inodes; the rest are times."""
_KIB = 1024
_ROOM_OF_A_FILE = 1 << 20
"""What xfs wants to be free before it makes even an empty one: blocks for inodes and directories in the worst case."""
_TRIES = 5
HOME_PROJECTS = range(2_147_483_648, 4_294_000_000)
"""Above all uids of owners (`HOST_UIDS`)."""

_FSGETXATTR, _FSSETXATTR, _PROJINHERIT = 0x801C581F, 0x401C5820, 0x200
_ATTRIBUTES = struct.Struct("IIIII8x")
"""struct fsxattr: flags, size of extents, their number, project, size of copied extents."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NO_QUOTAS = (
    "its disk has no project quotas (ext4 made with -O quota,project and mounted with prjquota has them, and xfs "
    "mounted with pquota)"
)


class ProjectQuotas:
    """The project quotas of the file system that holds a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._libc = ctypes.CDLL(None, use_errno=True)

    def why_not(self) -> str:
        """Why the kernel holds no quotas here, as a phrase; empty when it does."""
        if os.geteuid() != 0:
            return "the server is not root"
        try:
            self.used_bytes(0)
        except OSError:
            return _NO_QUOTAS
        return ""

    def used_bytes(self, project: int) -> int:
        """What a project takes on the disk."""
        return self._counts(project)[2]

    def is_used_up(self, project: int | None) -> bool:
        """Whether it is a project's own limit that is reached where the kernel says that there is no room."""
        try:
            room = self.room_bytes(project) if project is not None else None
        except OSError:
            return False
        return room is not None and room < _ROOM_OF_A_FILE

    def room_bytes(self, project: int) -> int | None:
        """How much more a project may take; None where it has no limit."""
        blocks, _, used, *_ = self._counts(project)
        return max(blocks * _KIB - used, 0) if blocks else None

    def free_home_project(self) -> int:
        """A project that no file has borne yet, drawn by lot."""
        while any(self._counts(project := secrets.choice(HOME_PROJECTS))):
            pass
        return project

    def home_project(self, home: Path) -> int | None:
        """Which project a home hands on; None where it has none of its own."""
        try:
            descriptor = os.open(home, _READ | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            flags, _, _, project, _ = _attributes(descriptor)
        except OSError:  # a file system without such attributes
            return None
        finally:
            os.close(descriptor)
        return project if flags & _PROJINHERIT and project in HOME_PROJECTS else None

    def limit(self, project: int, size_bytes: int | None) -> None:
        """Let a project take so much, or whatever it likes."""
        # Zero would be no limit.
        blocks = 0 if size_bytes is None else max(size_bytes // _KIB, 1)
        buffer = ctypes.create_string_buffer(_LIMIT.pack(blocks, blocks, 0, 0, 0, 0, 0, 0, _MEANS_BLOCK_LIMITS))
        self._control(_SET, project, buffer)

    def assign(self, places: Iterable[Path], project: int) -> None:
        """Give directories and all they hold to a project, for what comes later, too."""
        for place in places:
            with suppress(FileNotFoundError):
                _assign_tree(place, project)

    def is_assigned(self, place: Path, project: int) -> bool:
        """Whether a directory itself bears a project, and hands it on."""
        try:
            descriptor = os.open(place, _READ | os.O_DIRECTORY)
        except FileNotFoundError:
            return False
        try:
            flags, _, _, assigned, _ = _attributes(descriptor)
            return assigned == project and bool(flags & _PROJINHERIT)
        finally:
            os.close(descriptor)

    def _counts(self, project: int) -> tuple[int, ...]:
        """The limits of a project and what it takes, as in struct if_dqblk; zeros where the kernel knows it not."""
        buffer = ctypes.create_string_buffer(_LIMIT.size)
        with suppress(FileNotFoundError):
            self._control(_GET, project, buffer)
        return _LIMIT.unpack(buffer.raw)[:_COUNTS]

    def _control(self, command: int, project: int, buffer: object) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            words = ctypes.c_uint(command << 8 | _PROJECTS), ctypes.c_uint(project)
            if self._libc.syscall(_QUOTACTL_FD, descriptor, *words, buffer) < 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)


def _assign_tree(top: Path, project: int) -> None:
    for _ in range(_TRIES):
        if _walk(top, project):
            return
    raise OSError(errno.EAGAIN, f"{top} is being changed all the time")


def _walk(top: Path, project: int) -> bool:
    """Give all below a directory to a project; false when a directory was moved away meanwhile.

    By descriptors, one at a time however deep the tree is, and without following a link: what is in there is a user's.
    """
    directory = os.open(top, _READ | os.O_DIRECTORY)
    try:
        device = os.fstat(directory).st_dev
        above: list[tuple[int, list[str]]] = []
        names = _assign_level(directory, project, device)
        while names or above:
            if names:
                below = _open_inside(directory, names.pop(), device)
                if below is None:
                    continue
                above.append((os.fstat(directory).st_ino, names))
                directory = _instead(directory, below)
                names = _assign_level(directory, project, device)
            else:
                inode, names = above.pop()
                directory = _instead(directory, os.open("..", _READ | os.O_DIRECTORY, dir_fd=directory))
                status = os.fstat(directory)
                if (status.st_dev, status.st_ino) != (device, inode):
                    return False
        return True
    finally:
        os.close(directory)


def _assign_level(directory: int, project: int, device: int) -> list[str]:
    """Give a directory and its files to a project; the names of the directories in it."""
    # The directory first: what is made in it from now on inherits.
    _assign(directory, project, is_directory=True)
    with os.scandir(directory) as entries:
        kinds = [
            (entry.name, entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False)) for entry in entries
        ]
    for name, _, is_file in kinds:
        if is_file and (file := _open_inside(directory, name, device)) is not None:
            try:
                if stat.S_ISREG(os.fstat(file).st_mode):
                    _assign(file, project, is_directory=False)
            finally:
                os.close(file)
    return [name for name, is_directory, _ in kinds if is_directory]


def _open_inside(directory: int, name: str, device: int) -> int | None:
    """None where it is gone, a link by now, or on another file system."""
    try:
        descriptor = os.open(name, _READ, dir_fd=directory)
    except OSError:
        return None
    if os.fstat(descriptor).st_dev == device:
        return descriptor
    os.close(descriptor)
    return None


def _instead(old: int, new: int) -> int:
    os.close(old)
    return new


def _assign(descriptor: int, project: int, is_directory: bool) -> None:
    flags, extent, extents, assigned, copied = _attributes(descriptor)
    wanted = flags | _PROJINHERIT if is_directory else flags
    if (flags, assigned) != (wanted, project):
        fcntl.ioctl(descriptor, _FSSETXATTR, _ATTRIBUTES.pack(wanted, extent, extents, project, copied))


def _attributes(descriptor: int) -> tuple[int, int, int, int, int]:
    buffer = bytearray(_ATTRIBUTES.size)
    fcntl.ioctl(descriptor, _FSGETXATTR, buffer)
    return _ATTRIBUTES.unpack(buffer)
