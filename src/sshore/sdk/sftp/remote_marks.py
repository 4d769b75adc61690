"""Modes and times of what arrives at the other end, as far as its file system, and SFTP, have any."""

import os
from collections.abc import Callable

from sshore.sdk.sftp.channel import SftpChannel, SftpError
from sshore.sdk.sftp.local_marks import NO_MODES, NO_TIMES
from sshore.sdk.sftp.packets import time_sent
from sshore.sdk.sftp.transfer import Watcher

_UNSAID = "SFTP has no times before 1970 and after 2106: what is older or newer gets the nearest one"


def set_marks(channel: SftpChannel, handle: bytes, status: os.stat_result, watcher: Watcher) -> None:
    """Those of an open file."""
    _attempt(lambda: channel.set_mode(handle, status.st_mode), NO_MODES, watcher)
    _attempt(lambda: channel.set_times(handle, _modified_at(status, watcher)), NO_TIMES, watcher)


def set_directory_marks(channel: SftpChannel, path: bytes, status: os.stat_result, watcher: Watcher) -> None:
    # The mode last: it may keep its own user out.
    _attempt(lambda: channel.set_directory_times(path, _modified_at(status, watcher)), NO_TIMES, watcher)
    _attempt(lambda: channel.set_directory_mode(path, status.st_mode), NO_MODES, watcher)


def _modified_at(status: os.stat_result, watcher: Watcher) -> int:
    seconds = status.st_mtime_ns // 10**9
    if time_sent(seconds) != seconds:
        watcher.told(_UNSAID)
    return seconds


def _attempt(change: Callable[[], None], refused: str, watcher: Watcher) -> None:
    try:
        change()
    except SftpError:
        watcher.told(refused)
