"""A file of a folder into a local one: into a part file, resumed, compared by checksum, then renamed into its place."""

import errno
import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sshore.core.errors import InvalidInput, NotFound, SshoreError
from sshore.sdk.errors import ConnectionLost
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.holes import data_span
from sshore.sdk.sftp.kinds import no_file
from sshore.sdk.sftp.local_marks import guessed_ns, set_mode, set_times_ns
from sshore.sdk.sftp.names import shown
from sshore.sdk.sftp.packets import Attributes, Open
from sshore.sdk.sftp.part_files import part_of
from sshore.sdk.sftp.remote import Checksum
from sshore.sdk.sftp.transfer import CHUNK_BYTES, UNDER_WAY, Persistence, Transferred, Watcher
from sshore.wire.problems import Code

_FULL = (errno.ENOSPC, errno.EDQUOT)


def download(source: bytes, target: Path, keeping: Persistence) -> Transferred:
    """Fetch a file; returns when it is in its place and its checksum is the same at both ends.

    Raises:
        OSError: it cannot be written here. SshoreError: the server refused, or has not come back in time; what has
            arrived is kept beside `target`, and the next call goes on from there.
    """
    return keeping.keep_at(_Download(source, target, keeping).attempt)


@dataclass
class _Received:
    """`size` is what was there to be read. `is_generated` where that is another one than the file is said to have: its
    file system makes its content as it is read (/proc, /sys, some of FUSE's)."""

    size: int
    sha256: str
    is_generated: bool
    has_grown: bool


class _Download:
    def __init__(self, source: bytes, target: Path, keeping: Persistence) -> None:
        self._source = source
        self._name = source.decode(errors="surrogateescape")
        # Path.resolve would fail of links in a circle before opening them can.
        self._target = Path(os.path.realpath(target)) if target.is_symlink() else target
        self._part = Path(os.fsdecode(part_of(os.fsencode(self._target))))
        if self._target.is_file() and not os.access(self._target.parent, os.W_OK):
            self._part = self._target  # nothing can be made in that directory: it is written in its place
        self._keeping = keeping
        self._shown = 0
        self._moved = 0
        self._mismatched = False

    def attempt(self) -> Transferred:
        there = self._keeping.remote.channel.stat(self._source)
        if there is None:
            raise NotFound(f"there is no file {shown(self._source)!r}")
        if not there.is_file:
            raise InvalidInput(f"{shown(self._source)} is {no_file(there.mode)}")
        # Such as /dev/null, which must not be replaced; nor must a link that leads in a circle.
        if os.path.lexists(self._target) and not self._target.is_file():
            raise InvalidInput(f"{shown(str(self._target))} is there, and is {no_file(_mode(self._target))}")
        try:
            with self._opened_part() as file:
                received = self._receive(file, there.size)
        except OSError as error:
            raise self._explained(error) from error
        compared, checksum = self._check(received)
        if self._part != self._target:
            set_mode(self._part, there.mode, self._keeping.watcher)
            set_times_ns(self._part, _modified_ns(there, checksum, self._keeping.watcher), self._keeping.watcher)
            self._part.replace(self._target)
        return Transferred(self._name, str(self._target), received.size, self._moved, received.sha256, compared)

    @contextmanager
    def _opened_part(self) -> Iterator[BinaryIO]:
        flags = os.O_RDWR | os.O_CREAT | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
        descriptor = os.open(self._part, flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidInput(f"{shown(str(self._part))} is there, and is {no_file(_mode(self._part))}")
        with open(descriptor, "r+b") as file:  # noqa: PTH123 - it has no path
            if self._part != self._target:
                with suppress(OSError):  # of a former version it may be everybody's to read
                    self._part.chmod(0o600)
            try:
                yield file
            except BaseException:
                if self._part != self._target and not os.fstat(descriptor).st_size:
                    with suppress(OSError):  # on Windows nobody removes an open file
                        self._part.unlink()  # nothing has arrived: there is nothing to go on from
                raise

    def _receive(self, file: BinaryIO, size: int) -> _Received:
        own, offset = self._resumable(file, size)
        file.truncate(offset)
        file.seek(offset)
        written_to = offset
        self._show(offset)
        channel = self._keeping.remote.channel
        handle = channel.open(self._source, Open.READ)
        self._keeping.remote.checker.start(self._source, size)
        reading = _Reading(channel, handle, size)
        for at, data in reading.pieces(offset):
            start, end = data_span(data)
            if start < end:
                if written_to != at + start:
                    file.seek(at + start)
                file.write(data[start:end])
                written_to = at + end
            own.update(data)
            offset = at + len(data)
            self._moved += len(data)
            self._keeping.got_on()
            self._show(offset)
        file.truncate(offset)
        channel.close_handle(handle)
        return _Received(offset, own.hexdigest(), reading.is_generated, reading.has_grown)

    def _resumable(self, file: BinaryIO, size: int) -> "tuple[hashlib._Hash, int]":
        own, length = hashlib.sha256(), 0
        if self._mismatched or os.fstat(file.fileno()).st_size > size:
            return own, 0
        while data := file.read(1 << 20):
            own.update(data)
            length += len(data)
        if not length:
            return own, 0
        there = self._keeping.remote.checker.check(self._source, length)
        if there is None or (there.length, there.sha256) != (length, own.hexdigest()):
            return hashlib.sha256(), 0
        return own, length

    def _check(self, received: _Received) -> tuple[str, Checksum | None]:
        """By what the ends were compared, and what was found at the other one."""
        checker = self._keeping.remote.checker
        there = checker.result()
        if received.is_generated:
            there = checker.check(self._source)
            if there is not None and there.sha256 == received.sha256:
                return "sha256", there
            self._tell("is made as it is read: it was read to its end, and cannot be compared")
            return "nothing", there
        if there is not None and there.length == received.size and there.sha256 in (received.sha256, ""):
            if received.has_grown or there.size > received.size:
                self._tell("grew while it was fetched: what was there at the start has been copied")
            return "sha256" if there.sha256 else "size", there
        if there is not None and there.size < received.size:
            raise _became_shorter()
        if self._mismatched:
            raise SshoreError("the checksums at both ends differ, twice: somebody writes the file", code=Code.CONFLICT)
        self._mismatched = True
        raise ConnectionLost("the checksums at both ends differ, all is fetched again")

    def _explained(self, error: OSError) -> Exception:
        """With the file's name, which a write does not know."""
        named = OSError(error.errno, error.strerror, str(self._part))
        if error.errno not in _FULL or not self._part.exists():
            return named
        kept = "what has arrived is kept there: the same command goes on from there"
        return SshoreError(f"{shown(str(self._part))}: {error.strerror}; {kept}", code=Code.STORAGE_FULL)

    def _tell(self, what: str) -> None:
        self._keeping.watcher.told(f"{shown(self._source)} {what}")

    def _show(self, arrived: int) -> None:
        self._keeping.watcher.moved(arrived - self._shown)
        self._shown = arrived


class _Reading:
    """Reads a file that is said to have `size` bytes: so many of one that grows, all of one that has another size."""

    def __init__(self, channel: SftpChannel, handle: bytes, size: int) -> None:
        self._channel = channel
        self._handle = handle
        self._size = size
        self.is_generated = False
        self.has_grown = False

    def pieces(self, offset: int) -> Iterator[tuple[int, memoryview]]:
        """Each piece with its place. Raises SshoreError where the file has become shorter."""
        asked: deque[tuple[int, int, int]] = deque()
        ahead, beyond = offset, memoryview(b"")
        # Many are asked for ahead, and one more that tells whether there is more than was said.
        while ahead <= self._size or asked:
            while ahead <= self._size and len(asked) < UNDER_WAY:
                length = min(CHUNK_BYTES, self._size - ahead) or CHUNK_BYTES
                asked.append((self._channel.send_read(self._handle, ahead, length), ahead, length))
                ahead = ahead + length if ahead < self._size else self._size + 1
            request_id, at, length = asked.popleft()
            data = self._channel.take_data(request_id, length)
            if at == self._size:
                beyond = data
            elif at == offset and data:
                yield at, data
                offset = at + len(data)
                if len(data) < length:  # a server may answer with less than was asked for
                    missing = length - len(data)
                    asked.appendleft((self._channel.send_read(self._handle, offset, missing), offset, missing))
        if offset < self._size:
            self._ends_early()
        elif beyond and not self._grows():
            yield from self._to_the_end(beyond)

    def _ends_early(self) -> None:
        if self._channel.stat_handle(self._handle).size < self._size:
            raise _became_shorter()
        self.is_generated = True

    def _grows(self) -> bool:
        self.has_grown = self._channel.stat_handle(self._handle).size > self._size
        return self.has_grown

    def _to_the_end(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        self.is_generated = True
        offset = self._size
        while data:
            yield offset, data
            offset += len(data)
            data = self._channel.take_data(self._channel.send_read(self._handle, offset, CHUNK_BYTES), CHUNK_BYTES)


def _mode(path: Path) -> int:
    """Of what a name leads to, or its own where that is nothing."""
    try:
        return path.stat().st_mode
    except OSError:
        return path.lstat().st_mode


def _became_shorter() -> SshoreError:
    return SshoreError("the file became shorter while it was fetched: fetch it again", code=Code.CONFLICT)


def _modified_ns(there: Attributes, checksum: Checksum | None, watcher: Watcher) -> int:
    """What the checker tells is exact, where it is about the time that SFTP has told before."""
    exact = checksum.modified_ns if checksum is not None else None
    if exact is not None and (exact // 10**9) & 0xFFFFFFFF == there.modified_at:
        return exact
    return guessed_ns(there.modified_at, watcher)
