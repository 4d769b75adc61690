"""ID-mapped mounts (mount_setattr(2), Linux 5.12): one user's files as another user's own, wherever they are mounted.

A shared folder's files belong to its owner's uid on the disk. In a session of somebody else's the folder is mounted
so that they are that session's own, and what is made there is the folder's owner's on the disk. So everybody can
change what anybody has written, whatever mode it was given; an access control list cannot do that, because its mask
is the mode's group bits (acl(5)), and `sftp` makes files that the group may only read.
"""

import ctypes
import errno
import os
import struct
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from sshore.core.sessions import BindMount
from sshore.engines.sandbox.own_mounts import check

_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
"""The same on every architecture (syscalls(2))."""
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_IDMAP = 0x00100000
_TOO_OLD = "this kernel is older than 5.12, which has no ID-mapped mounts"


def why_not(source: Path) -> str:
    """Why a directory cannot be mounted so, as a phrase; empty when it can. For a server that is root."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        os.close(_mapped_tree(libc, source, 1, 2))
    except OSError as error:
        return _TOO_OLD if error.errno == errno.ENOSYS else f"{source} lies on a file system that cannot map them"
    return ""


def map_mounts(libc: ctypes.CDLL, mounts: Sequence[BindMount], host_uid: int, stage: Path) -> tuple[BindMount, ...]:
    """Make those mounts that are to be mapped, below `stage`, in the calling thread's mounts; all mounts, with the
    directories where they are now.

    Raises:
        OSError: the kernel or the file system cannot.
    """
    return tuple(
        replace(mount, source=_mount(libc, mount, host_uid, stage / str(number))) if mount.disk_uid else mount
        for number, mount in enumerate(mounts)
    )


def _mount(libc: ctypes.CDLL, mount: BindMount, host_uid: int, place: Path) -> Path:
    assert mount.disk_uid is not None
    place.mkdir(mode=0o711, exist_ok=True)
    tree = _mapped_tree(libc, mount.source, mount.disk_uid, host_uid)
    try:
        target = ctypes.c_char_p(os.fsencode(place))
        check(libc.syscall(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, target, _MOVE_MOUNT_F_EMPTY_PATH))
    finally:
        os.close(tree)
    return place


def _mapped_tree(libc: ctypes.CDLL, source: Path, disk_uid: int, host_uid: int) -> int:
    """A mount that is nowhere yet, in which `disk_uid` is `host_uid`, and likewise the gids."""
    with ExitStack() as stack:
        path = ctypes.c_char_p(os.fsencode(source))
        tree = check(libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, path, _OPEN_TREE_CLONE | os.O_CLOEXEC))
        failed = stack.enter_context(ExitStack())
        failed.callback(os.close, tree)
        mapping = _user_namespace(disk_uid, host_uid)
        stack.callback(os.close, mapping)
        attributes = struct.pack("QQQQ", _MOUNT_ATTR_IDMAP, 0, 0, mapping)
        check(libc.syscall(_SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, attributes, len(attributes)))
        failed.pop_all()
        return int(tree)


def _user_namespace(inside: int, outside: int) -> int:
    """A user namespace with one uid and one gid mapped: a descriptor of it."""
    # It is a process's, which is needed no longer than it takes to write its maps.
    holder = subprocess.Popen(
        ["unshare", "--user", "/bin/sh", "-c", "echo; read _"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    with holder:
        assert holder.stdin is not None and holder.stdout is not None
        if not holder.stdout.readline():
            raise OSError(errno.EPERM, "no user namespace can be made")
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{holder.pid}/{name}").write_text(f"{inside} {outside} 1")
        return os.open(f"/proc/{holder.pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
