"""ID-mapped mounts in sandboxes: one user's files as another user's own, wherever they are mounted.

A shared folder's files belong to its owner's uid on the disk. In a session of somebody else's the folder is mounted
so that they are that session's own, and what is made there is the folder's owner's on the disk. So everybody can
change what anybody has written, whatever mode it was given; an access control list cannot do that, because its mask
is the mode's group bits (acl(5)), and `sftp` makes files that the group may only read.
"""

import ctypes
import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sshore.core.sessions import BindMount
from sshore.engines.mounting import idmap
from sshore.engines.mounting.idmap import IdRange

_TOO_OLD = "this kernel is older than 5.12, which has no ID-mapped mounts"


def why_not(source: Path) -> str:
    """Why a directory cannot be mounted so, as a phrase; empty when it can. For a server that is root."""
    try:
        os.close(_tree(source, 1, 2))
    except OSError as error:
        return _TOO_OLD if error.errno == errno.ENOSYS else f"{source} lies on a file system that cannot map them"
    return ""


def mapped_tree(mount: BindMount, host_uid: int) -> int:
    """A mount that is nowhere yet, mapped for a session's uid; the caller closes it.

    Raises:
        OSError: the kernel or the file system cannot.
    """
    assert mount.disk_uid is not None
    return _tree(mount.source, mount.disk_uid, host_uid)


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
    place.mkdir(mode=0o711, exist_ok=True)
    tree = mapped_tree(mount, host_uid)
    try:
        idmap.move(libc, tree, place)
    finally:
        os.close(tree)
    return place


def _tree(source: Path, disk_uid: int, host_uid: int) -> int:
    return idmap.mapped_tree(ctypes.CDLL(None, use_errno=True), source, [IdRange(disk_uid, host_uid)])
