"""ID-mapped mounts (mount_setattr(2), Linux 5.12): what some uids own on the disk is others' where it is mounted.

Only root of the host can make them. What no range names belongs to nobody there, and nobody there can make it: not
even a process that has root's rights. Blocking.
"""

import ctypes
import errno
import os
import struct
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 428, 429, 442
"""The same on every architecture (syscalls(2))."""
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE = 1
MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_IDMAP = 0x00100000
_MS_PRIVATE = 1 << 18


class IdRange(NamedTuple):
    """`length` uids (and gids) from `on_disk` up are those from `in_mount` up."""

    on_disk: int
    in_mount: int
    length: int = 1


def check(result: int) -> int:
    """What a system call returned. Raises OSError when it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def has_mount_setattr() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("QQQQ", 0, 0, 0, 0)
    done = libc.syscall(SYS_MOUNT_SETATTR, -1, b"", AT_EMPTY_PATH, attributes, len(attributes))
    return done == 0 or ctypes.get_errno() != errno.ENOSYS


def mapped_tree(libc: ctypes.CDLL, source: Path, ranges: Iterable[IdRange]) -> int:
    """A mount that is nowhere yet, as a descriptor, which the caller closes.

    Raises:
        OSError: the kernel or the file system cannot.
    """
    with ExitStack() as stack:
        path = ctypes.c_char_p(os.fsencode(source))
        tree = check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, path, OPEN_TREE_CLONE | os.O_CLOEXEC))
        failed = stack.enter_context(ExitStack())
        failed.callback(os.close, tree)
        mapping = _user_namespace(ranges)
        stack.callback(os.close, mapping)
        attributes = struct.pack("QQQQ", _MOUNT_ATTR_IDMAP, 0, 0, mapping)
        check(libc.syscall(SYS_MOUNT_SETATTR, tree, b"", AT_EMPTY_PATH, attributes, len(attributes)))
        failed.pop_all()
        return int(tree)


def copied_tree(libc: ctypes.CDLL, source: Path) -> int:
    """The like with the uids as they are, and with what is mounted in the directory. Raises OSError."""
    path = ctypes.c_char_p(os.fsencode(source))
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC | AT_RECURSIVE
    tree = check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, path, flags))
    with ExitStack() as failed:
        failed.callback(os.close, tree)
        # Else whoever unmounts a copy unmounts what is mounted in the original.
        attributes = struct.pack("QQQQ", 0, 0, _MS_PRIVATE, 0)
        flags = AT_EMPTY_PATH | AT_RECURSIVE
        check(libc.syscall(SYS_MOUNT_SETATTR, tree, b"", flags, attributes, len(attributes)))
        failed.pop_all()
    return int(tree)


def move(libc: ctypes.CDLL, tree: int, place: Path) -> None:
    """Mount a tree at an existing place, in the calling thread's mounts. Raises OSError."""
    target = ctypes.c_char_p(os.fsencode(place))
    check(libc.syscall(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))


def _user_namespace(ranges: Iterable[IdRange]) -> int:
    """A user namespace with these uids and gids mapped: a descriptor of it."""
    # It is a process's, which is needed no longer than it takes to write its maps.
    holder = subprocess.Popen(
        ["unshare", "--user", "/bin/sh", "-c", "echo; read _"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    with holder:
        assert holder.stdin is not None and holder.stdout is not None
        if not holder.stdout.readline():
            raise OSError(errno.EPERM, "no user namespace can be made")
        # Its own numbers are those on the disk, its parent's are those in the mount.
        lines = "".join(f"{each.on_disk} {each.in_mount} {each.length}\n" for each in ranges)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text(lines)
        return os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
