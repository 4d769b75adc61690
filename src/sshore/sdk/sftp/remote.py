"""What transfers need of the other end, be it a storage folder or a session."""

from dataclasses import dataclass
from typing import Protocol

from sshore.sdk.sftp.channel import SftpChannel


@dataclass(frozen=True, slots=True)
class Checksum:
    """Of the first `length` bytes of a file that has `size`. `sha256` is empty where the other end can make none.
    `modified_ns` is the file's time, which SFTP has but 32 bits for; None where it is not told."""

    size: int
    length: int
    sha256: str
    modified_ns: int | None = None


class Checks(Protocol):
    """Makes checksums at the other end."""

    def close(self) -> None: ...

    def check(self, path: bytes, length: int | None = None) -> Checksum | None:
        """The checksum of a file's first `length` bytes, or of all; None when there is no such file.

        Raises:
            SshoreError: the other end cannot read it. ConnectionLost: it, or the network, is gone.
        """

    def start(self, path: bytes, length: int | None = None, *, follow: bool = False) -> None:
        """Have the checksum made while the file is on its way; with `follow` of one that grows to that length there.
        Raises ConnectionLost."""

    def result(self) -> Checksum | None:
        """What was started; raises as `check` does."""


class Remote(Protocol):
    """The other end: a channel and checksums, opened when needed."""

    @property
    def channel(self) -> SftpChannel:
        """Raises SshoreError when it is refused, Unavailable when there is no answer."""

    @property
    def checker(self) -> Checks:
        """Raises as `channel` does."""

    def reset(self) -> None:
        """Close what is open; idempotent. What is needed afterwards is opened anew."""


class SizesOnly:
    """Stands where no checksums can be made: what it says agrees by size."""

    def __init__(self, channel: SftpChannel) -> None:
        self._channel = channel
        self._started: tuple[bytes, int | None] = (b"", None)

    def close(self) -> None:
        """The channel is not its own."""

    def check(self, path: bytes, length: int | None = None) -> Checksum | None:
        there = self._channel.stat(path)
        if there is None or not there.is_file:
            return None
        return Checksum(there.size, there.size if length is None else min(length, there.size), "")

    def start(self, path: bytes, length: int | None = None, *, follow: bool = False) -> None:
        self._started = (path, length)

    def result(self) -> Checksum | None:
        return self.check(*self._started)
