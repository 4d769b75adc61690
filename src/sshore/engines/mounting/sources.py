"""Directories of the host, opened before they are mounted."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sshore.core.errors import EngineFailed
from sshore.core.sessions import BindMount
from sshore.engines.mounting.mount_table import mounts_of, shown_as

_BEFORE_ITS_ROOT = "/newroot"
"""Where bwrap builds what it makes the root as its last step."""
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(mount: BindMount) -> Iterator[int]:
    """The directory that is to be mounted (``O_PATH``).

    Raises:
        EngineFailed: it is not there; or it is one on offer, and there is a link on the way to it by now.
    """
    try:
        place = _open_without_links(str(mount.source)) if mount.offered else os.open(mount.source, _PLACE)
    except OSError as error:
        link = ", or a symbolic link lies on the way to it, which was not there when it was offered"
        raise EngineFailed(
            f"the directory {mount.source} is to be mounted at {mount.target}, and is not there"
            + (link if mount.offered else "")
        ) from error
    try:
        yield place
    finally:
        os.close(place)


def check_sources(mounts: Iterable[BindMount]) -> None:
    """Refuse as `opened` does."""
    for mount in mounts:
        with opened(mount):
            pass


def check_mounted(pid: int, mounts: Iterable[BindMount]) -> None:
    """That a process has mounted what was meant where it was meant to be: others may have put a link or something else
    into its place meanwhile.

    Raises:
        EngineFailed: it has not.
    """
    mounted = list(mounts_of(pid))
    for mount in mounts:
        with opened(mount) as place:
            source = shown_as(place)
        places = (mount.target, _BEFORE_ITS_ROOT + mount.target)
        there = [entry for entry in mounted if entry.point in places]
        if not there or (there[-1].device, there[-1].root) != source:
            raise EngineFailed(
                f"the directory {mount.source} or its place {mount.target} was replaced while it was mounted: try again"
            )


def _open_without_links(path: str) -> int:
    # Whoever owns a directory on the way could lead us elsewhere by a link; by renaming only to what is his own.
    directory = os.open("/", _PLACE)
    for name in path.split("/"):
        if name:
            try:
                below = os.open(name, _PLACE, dir_fd=directory)
            finally:
                os.close(directory)
            directory = below
    return directory
