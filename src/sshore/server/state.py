"""The state directory: made, checked, and held by one server at a time."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sshore.core.errors import Conflict, InvalidInput, Unavailable

PASSAGE = 0o711
"""Sessions' uids pass through to what is theirs, and see no names on the way."""


@contextmanager
def hold_state_directory(path: Path) -> Iterator[Path]:
    """Make the state directory and hold it.

    Raises:
        Unavailable: it cannot be made or written. Conflict: another server holds it.
        InvalidInput: sessions' uids could not reach their homes in it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(PASSAGE)
        lock = os.open(path / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"the state directory {path} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise Conflict(f"another server runs on {path}: stop that one, or give --state another directory") from error
    try:
        if os.geteuid() == 0:
            _check_passage(path)
        yield path
    finally:
        os.close(lock)


def make_link_directory(state: Path) -> Path:
    """The directory that is mounted into every session, for the gateway's socket."""
    link = state / "link"
    link.mkdir(exist_ok=True)
    link.chmod(0o755)
    return link


def touch_private(path: Path) -> None:
    """Make an empty file, 0600, before a library makes it with another mode."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def _check_passage(path: Path) -> None:
    for directory in (path, *path.parents):
        if not directory.stat().st_mode & stat.S_IXOTH:
            raise InvalidInput(
                f"sessions run under their owners' uids, which cannot pass through {directory}: "
                "give --state a directory that everyone may pass (such as /var/lib/sshore)"
            )
