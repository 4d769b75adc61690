"""Directories on their way into a container, mounted on the host so that they are there as they are to be inside: with
their files the session's own, or the very directory that was looked at. The daemon knows paths, and mounts from there.

This needs a server that is root and sees the daemon's mounts. Blocking.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sshore.core.errors import EngineFailed, InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.mounting import idmap
from sshore.engines.mounting.idmap import IdRange
from sshore.engines.mounting.sources import opened
from sshore.wire.problems import Code

_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8


def check_shares(mounts: Iterable[BindMount], socket_path: Path) -> None:
    """Refuse what others share where their files cannot be made the session's own.

    Raises:
        InvalidInput: ``share_unsupported``.
    """
    shared = [mount.target for mount in mounts if mount.disk_uid]
    if shared and not _may_stage(socket_path):
        raise InvalidInput(
            f"a container here cannot have what somebody else shares ({', '.join(shared)}): its files can only be made "
            "the session's own by a server that sees the Docker daemon's mounts, not by one in a container or in a "
            "mount namespace of its own (PrivateMounts=, PrivateTmp= and the like of its systemd unit); use the "
            "sandbox engine, or sshore cp and sftp with folder:OWNER/NAME",
            field="mounts",
            code=Code.SHARE_UNSUPPORTED,
        )


def stage_others(spec: SessionSpec, stage: Path, socket_path: Path) -> SessionSpec:
    """Mount below `stage` what others share with a session's owner, so that it is the session's own, and directories on
    offer, where others could lead the daemon elsewhere; the session with these. From there the daemon mounts them into
    the container; when it has, `clear_stage`.

    Raises:
        InvalidInput: as `check_shares`. EngineFailed: the kernel or a file system cannot.
    """
    check_shares(spec.mounts, socket_path)
    if not any(mount.disk_uid or mount.offered for mount in spec.mounts) or not _may_stage(socket_path):
        return spec
    place = open_stage(spec.id, stage)
    return replace(
        spec,
        mounts=tuple(_others(mount, spec.host_uid, place / str(number)) for number, mount in enumerate(spec.mounts)),
    )


def _others(mount: BindMount, host_uid: int | None, place: Path) -> BindMount:
    if mount.disk_uid:
        return staged(mount, share_ranges(mount, host_uid), place)
    return staged(mount, (), place) if mount.offered else mount


def share_ranges(mount: BindMount, host_uid: int | None) -> list[IdRange]:
    """What a share's mount shows: its owner's files as the session's."""
    return [IdRange(mount.disk_uid or 0, host_uid or 0)]


def open_stage(session_id: SessionId, stage: Path) -> Path:
    """An empty directory for a session's mounts."""
    clear_stage(session_id, stage)
    place = stage / session_id
    place.mkdir(mode=0o711, parents=True)
    return place


def staged(mount: BindMount, ranges: Sequence[IdRange], place: Path) -> BindMount:
    """The mount, from `place`, where its directory is mounted with these uids; with none, as it is. Raises
    EngineFailed."""
    with opened(mount) as source:
        return replace(mount, source=mounted(_path_of(source), ranges, place, mount.source))


def mounted(source: Path, ranges: Sequence[IdRange], place: Path, name: Path | None = None) -> Path:
    """Mount a directory, which is called `name`, at `place`, with these uids. Raises EngineFailed."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        tree = idmap.mapped_tree(libc, source, ranges) if ranges else idmap.copied_tree(libc, source)
    except OSError as error:
        if not ranges and error.errno == errno.ENOSYS:
            return name or source  # such a kernel has no better way than the path
        why = "the kernel is older than 5.12" if error.errno == errno.ENOSYS else "its file system cannot map uids"
        raise EngineFailed(
            f"the session cannot have {name or source} mounted with its own uid: {why} ({error.strerror})"
        ) from error
    try:
        place.mkdir(mode=0o700)
        idmap.move(libc, tree, place)
    finally:
        os.close(tree)
    return place


def live_tree(mount: BindMount, ranges: Sequence[IdRange]) -> int:
    """The like for a session that runs: a mount that is nowhere yet, as a descriptor. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with opened(mount) as source:
        return idmap.mapped_tree(libc, _path_of(source), ranges)


def clear_stage(session_id: SessionId, stage: Path) -> None:
    """Take the stage's mounts away, and what a server that crashed has left of them; the container keeps its own."""
    place = stage / session_id
    if not place.is_dir():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for directory in place.iterdir():
        while libc.umount2(os.fsencode(directory), _MNT_DETACH | _UMOUNT_NOFOLLOW) == 0:
            pass
        # What is still mounted must not be emptied: an empty directory is all that goes.
        directory.rmdir()
    place.rmdir()


def shares_mounts_with_daemon(socket_path: Path) -> bool:
    """Whether the daemon sees what is mounted by this thread."""
    return shares_with_daemon(socket_path, "mnt")


def shares_with_daemon(socket_path: Path, namespace: str) -> bool:
    """Whether the daemon is in this thread's namespace of a kind (namespaces(7))."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.settimeout(5)
        connection.connect(str(socket_path))
        size = struct.calcsize("3i")
        pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
        # Of whoever made the socket: the daemon, or the service manager for it. 0 is one in another pid namespace.
        return pid > 0 and Path(f"/proc/{pid}/ns/{namespace}").samefile(f"/proc/thread-self/ns/{namespace}")
    return False


def _may_stage(socket_path: Path) -> bool:
    return os.geteuid() == 0 and shares_mounts_with_daemon(socket_path)


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}")
