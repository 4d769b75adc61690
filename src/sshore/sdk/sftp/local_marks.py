"""Modes and times of files that have arrived here, as far as the file system has any."""

import os
from collections.abc import Callable
from pathlib import Path

from sshore.sdk.sftp.transfer import Watcher

NO_MODES = "the modes of what arrives are not kept: the file system there refuses them"
NO_TIMES = "the times of what arrives are not kept: the file system there refuses them"


def set_mode(path: Path, mode: int, watcher: Watcher) -> None:
    """What the other end says, less what the user's umask takes from every file that is made (umask(2))."""
    _attempt(lambda: path.chmod(mode & 0o777 & ~_umask()), NO_MODES, watcher)


def set_times_ns(path: Path, modified_ns: int, watcher: Watcher) -> None:
    _attempt(lambda: os.utime(path, ns=(modified_ns, modified_ns)), NO_TIMES, watcher)


def _attempt(change: Callable[[], None], refused: str, watcher: Watcher) -> None:
    try:
        change()
    except (OSError, OverflowError):  # SMB, exFAT, a mount with options of its own; a time that the system has not
        watcher.told(refused)


def _umask() -> int:
    mask = os.umask(0o077)  # there is no other way to ask that every system has
    os.umask(mask)
    return mask
