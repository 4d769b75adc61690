"""What uploads and downloads share: what is told while they go on, what becomes of them, what is done when cut off."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from sshore.core.errors import SshoreError, Unavailable
from sshore.sdk.errors import ApiError
from sshore.sdk.sftp.channel import SftpError
from sshore.sdk.sftp.packets import Status
from sshore.sdk.sftp.remote import Remote
from sshore.wire.problems import Code

T = TypeVar("T")
CHUNK_BYTES = 255 * 1024
"""The most that one request reads or writes; what OpenSSH takes at most (since 8.5; one that reads less says so)."""
UNDER_WAY = 32
"""Requests sent before their answers are awaited: 8 MiB, enough for 600 Mbit/s at 100 ms."""
_FIRST_DELAY_S, _MAX_DELAY_S = 0.2, 5.0


class Watcher(Protocol):
    """Is told how a transfer goes."""

    def moved(self, size: int) -> None:
        """So many bytes more are in their place; negative where a part has to be sent anew."""

    def waiting(self, reason: str) -> None:
        """The connection is lost; it is tried again."""

    def told(self, what: str) -> None:
        """The user should know, but it goes on. Of what holds for many files it is enough to hear once."""


@dataclass
class Transferred:
    """One file that has arrived. `moved_bytes` is what went over the network, in all attempts of this process."""

    source: str
    target: str
    bytes: int
    moved_bytes: int
    sha256: str
    compared: str = "sha256"
    """By what both ends were compared: `sha256`, or `size` where the other end can make no checksum, or `nothing`
    where the file's content is another one whenever it is read."""


@dataclass
class Persistence:
    """Does a thing again when the connection is lost, until nothing has got on for `timeout_s`."""

    remote: Remote
    watcher: Watcher
    timeout_s: float
    interruptions: int = field(default=0, init=False)
    _last_progress: float = field(default_factory=time.monotonic, init=False)

    def got_on(self) -> None:
        self._last_progress = time.monotonic()

    def keep_at(self, attempt: Callable[[], T]) -> T:
        """What the attempt that succeeds returns. An attempt begins with what former ones have left.

        Raises:
            SshoreError: it was refused, or the connection has not come back.
        """
        delay_s = _FIRST_DELAY_S
        self.got_on()
        while True:
            before = self._last_progress
            try:
                return attempt()
            except SshoreError as error:
                if not _leaves_all_well(error):
                    self.remote.reset()
                if not is_passing(error) or time.monotonic() - self._last_progress > self.timeout_s:
                    raise
                self.interruptions += 1
                self.watcher.waiting(error.problem.detail)
            delay_s = _FIRST_DELAY_S if self._last_progress > before else min(delay_s * 2, _MAX_DELAY_S)
            time.sleep(delay_s)


def _leaves_all_well(error: SshoreError) -> bool:
    """Whether it refused a name before anything was under way."""
    return isinstance(error, SftpError) and error.status in (Status.NO_SUCH_FILE, Status.PERMISSION_DENIED)


def is_passing(error: SshoreError) -> bool:
    """Whether to try again: the server or the network is gone, and may come back."""
    if isinstance(error, ApiError):
        return error.status in (502, 503, 504) and error.problem.code is not Code.ENGINE_FAILED
    return isinstance(error, Unavailable)
