"""Places for folders in the home and in folders, made with the owner's uid. A daemon would make them as root;
and daemon and bwrap would follow links that lead out of the session.

No link is followed: what lies there is the users', and this is done with the server's rights. Blocking.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from sshore.core import layout
from sshore.core.errors import EngineFailed
from sshore.core.sessions import BindMount
from sshore.engines.mounting.sources import opened

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_mount_points(home: Path, mounts: Sequence[BindMount], host_uid: int | None) -> None:
    """Make the directories below the home, and in folders, that folders are mounted on.

    Raises:
        EngineFailed: something else lies in such a place, no directory may be made there, or a folder is not there.
    """
    for mount in mounts:
        with opened(mount):  # Podman would make what is not there
            pass
        target = PurePosixPath(mount.target)
        if around := _around(target, mounts):
            # What a user may write there, this process does not know of a directory on offer.
            may_make = not (around.read_only or around.offered)
            with opened(around) as folder:
                uid = around.disk_uid or host_uid
                _make_below(folder, PurePosixPath(around.target), target, uid, may_make=may_make)
        elif target.is_relative_to(layout.HOME) and str(target) != layout.HOME:
            directory = os.open(home, _DIRECTORY)
            try:
                _make_below(directory, PurePosixPath(layout.HOME), target, host_uid)
            finally:
                os.close(directory)


def _around(target: PurePosixPath, mounts: Sequence[BindMount]) -> BindMount | None:
    """The innermost mount that a place lies in."""
    found = [mount for mount in mounts if PurePosixPath(mount.target) in target.parents]
    return max(found, key=lambda mount: len(PurePosixPath(mount.target).parts), default=None)


def _make_below(
    top: int, place: PurePosixPath, target: PurePosixPath, uid: int | None, *, may_make: bool = True
) -> None:
    """Make a target's directories, where `top` is open, and lies at `place` in the session."""
    directory = os.dup(top)
    try:
        for name in target.relative_to(place).parts:
            if may_make:
                _make(directory, name, uid)
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
    except OSError as error:
        why = "where something else lies" if may_make else "where this session may make no directory"
        raise EngineFailed(
            f"a folder is to be mounted at {target}, {why} ({error.strerror}): "
            f"{'move it away, or ' * may_make}mount the folder elsewhere"
        ) from error
    finally:
        os.close(directory)


def _make(directory: int, name: str, uid: int | None) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o755, dir_fd=directory)
        if uid is not None:
            os.chown(name, uid, uid, dir_fd=directory, follow_symlinks=False)
