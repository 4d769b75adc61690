"""Modes and times of files that have arrived here, as far as the file system has any."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from sshore.sdk.private_files import umask
from sshore.sdk.sftp.packets import time_received
from sshore.sdk.sftp.transfer import Watcher

NO_MODES = "the modes of what arrives are not kept: the file system there refuses them"
GUESSED = "SFTP has no times before 1970: what would be yet to come is held to be one of them"
NO_TIMES = "the times of what arrives are not kept: the file system there refuses them"


def set_mode(path: Path, mode: int, watcher: Watcher) -> None:
    """What the other end says, less what the user's umask takes from every file that is made (umask(2))."""
    _attempt(lambda: path.chmod(mode & 0o777 & ~umask()), NO_MODES, watcher)


def set_times_ns(path: Path, modified_ns: int, watcher: Watcher) -> None:
    _attempt(lambda: os.utime(path, ns=(modified_ns, modified_ns)), NO_TIMES, watcher)


def guessed_ns(modified_at: int, watcher: Watcher) -> int:
    """A time that nothing but SFTP has told."""
    time_s = time_received(modified_at, time.time())
    if time_s != modified_at:
        watcher.told(GUESSED)
    return time_s * 10**9


def _attempt(change: Callable[[], None], refused: str, watcher: Watcher) -> None:
    try:
        change()
    except (OSError, OverflowError):  # SMB, exFAT, a mount with options of its own; a time that the system has not
        watcher.told(refused)
