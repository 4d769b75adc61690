"""Places for folders in the home: made with the owner's uid, where the daemon would make them as root.

No link is followed: what lies in the home is the user's, and this is done with the server's rights. Blocking.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from sshore.core import layout
from sshore.core.errors import EngineFailed
from sshore.core.sessions import BindMount
from sshore.engines.mounting.sources import opened

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make_mount_points(home: Path, mounts: Iterable[BindMount], host_uid: int | None) -> None:
    """Make the directories below the home that folders are mounted on.

    Raises:
        EngineFailed: something else lies in such a place, or a folder is not there.
    """
    for mount in mounts:
        with opened(mount):  # Podman would make what is not there
            pass
        target = PurePosixPath(mount.target)
        if target.is_relative_to(layout.HOME) and str(target) != layout.HOME:
            _make_below(home, target, host_uid)


def _make_below(home: Path, target: PurePosixPath, host_uid: int | None) -> None:
    directory = os.open(home, _DIRECTORY)
    try:
        for name in target.relative_to(layout.HOME).parts:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=directory)
                if host_uid is not None:
                    os.chown(name, host_uid, host_uid, dir_fd=directory, follow_symlinks=False)
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
    except OSError as error:
        raise EngineFailed(
            f"a folder is to be mounted at {target}, where something else lies ({error.strerror}): "
            "move it away, or mount the folder elsewhere"
        ) from error
    finally:
        os.close(directory)
