"""A local file into a folder: into a part file, resumed where that is the beginning of this very file, compared by
checksum, then renamed into its place."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

from sshore.core.errors import InvalidInput, SshoreError
from sshore.sdk.errors import ConnectionLost
from sshore.sdk.sftp.channel import SftpChannel, SftpError
from sshore.sdk.sftp.holes import data_span, is_sparse
from sshore.sdk.sftp.kinds import no_file
from sshore.sdk.sftp.names import shown
from sshore.sdk.sftp.packets import Attributes, Open, Status, time_sent
from sshore.sdk.sftp.part_files import part_of
from sshore.sdk.sftp.remote_marks import set_marks
from sshore.sdk.sftp.transfer import CHUNK_BYTES, UNDER_WAY, Persistence, Transferred
from sshore.wire.problems import Code

_READ_BYTES = 1 << 20
_WORTH_FOLLOWING = 8 << 20
"""From so many bytes on the checksum is made there while they arrive, and not afterwards."""


def upload(source: Path, target: bytes, keeping: Persistence) -> Transferred:
    """Send a file; returns when it is in its place and its checksum is the same at both ends.

    Raises:
        OSError: the local file cannot be read. SshoreError: the server refused, or has not come back in time; what
            has arrived is kept as `part_of(target)`, and the next call goes on from there.
    """
    sending = _Upload(source, target, keeping)
    return keeping.keep_at(sending.attempt)


@dataclass
class _Sent:
    """What has gone: `size` bytes, which may be others than the file was said to have (/proc, /sys, some of FUSE's)."""

    size: int
    own: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class _Upload:
    def __init__(self, source: Path, target: bytes, keeping: Persistence) -> None:
        self._source = source
        self._target = target
        self._part = part_of(target)
        self._keeping = keeping
        self._shown = 0
        self._moved = 0
        self._mismatched = False
        self._follows = False
        self._has_true_size = True

    def attempt(self) -> Transferred:
        with _opened(self._source) as file:
            status = os.fstat(file.fileno())
            there = self._find_target()
            compared, size = "sha256", status.st_size
            digest = self._already_there(there, file, status)
            if digest is None:
                sent = self._send(file, status, replaces=there is not None)
                digest, size = sent.own.hexdigest(), sent.size
                compared = self._check(digest, size)
                if self._part != self._target:
                    self._keeping.remote.channel.rename(self._part, self._target)
        self._show(size)
        target = self._target.decode(errors="surrogateescape")
        return Transferred(str(self._source), target, size, self._moved, digest, compared)

    def _find_target(self) -> Attributes | None:
        """What is to be replaced. What a link leads to is written, be it there or not, and the link stays."""
        channel = self._keeping.remote.channel
        there = channel.lstat(self._target)
        if there is not None and there.is_link:
            there = channel.stat(self._target)
            self._target = channel.real_path(self._target)
            self._part = part_of(self._target)
        if there is not None and not there.is_file:
            raise InvalidInput(f"{shown(self._target)} is there, and is {no_file(there.mode)}")
        return there

    def _already_there(self, there: Attributes | None, file: FileIO, status: os.stat_result) -> str | None:
        """The checksum, where a former call has brought this file to its place already."""
        said = (status.st_size, time_sent(status.st_mtime_ns // 10**9))
        if there is None or not there.size or (there.size, there.modified_at) != said:
            return None
        checksum = self._keeping.remote.checker.check(self._target)
        own = hashlib.sha256()
        _read_into(own, file, status.st_size)
        return own.hexdigest() if checksum and checksum.sha256 == own.hexdigest() else None

    def _send(self, file: FileIO, status: os.stat_result, *, replaces: bool) -> _Sent:
        """Send what the part file lacks."""
        try:
            return self._send_part(file, status)
        except SftpError as error:
            if error.status != Status.PERMISSION_DENIED or not replaces or self._part == self._target:
                raise
            # Nothing can be made in that directory, but the file itself may be writable: it is written in its place.
            self._part = self._target
            return self._send_part(file, status)

    def _send_part(self, file: FileIO, status: os.stat_result) -> _Sent:
        sent = self._resumable(file, status.st_size)
        self._show(sent.size)
        channel = self._keeping.remote.channel
        flags = Open.WRITE | Open.CREATE | (Open.TRUNCATE if sent.size == 0 else Open(0))
        handle = channel.open(self._part, flags)
        file.seek(sent.size)
        self._follows = self._has_true_size and status.st_size - sent.size > _WORTH_FOLLOWING
        if self._follows:
            self._keeping.remote.checker.start(self._part, status.st_size, follow=True)
        try:
            self._write(channel, handle, file, status, sent)
        except SftpError as error:
            raise self._explained(error, channel) from error
        self._look_for_changes(file, status, sent)
        if self._part != self._target:  # in its place it may be somebody else's
            set_marks(channel, handle, status, self._keeping.watcher)
        channel.close_handle(handle)
        return sent

    def _resumable(self, file: FileIO, size: int) -> _Sent:
        """What need not be sent. A part that is no beginning of this file is no use."""
        part = self._keeping.remote.channel.lstat(self._part)
        if part is not None and not part.is_file:  # opening a pipe would wait, and a link leads anywhere
            raise InvalidInput(f"{shown(self._part)} is there, and is {no_file(part.mode)}")
        file.seek(0)
        if self._mismatched or part is None or not 0 < part.size <= size:
            return _Sent(0)
        there = self._keeping.remote.checker.check(self._part, part.size)
        sent = _Sent(part.size)
        _read_into(sent.own, file, part.size)
        if there is None or (there.length, there.sha256) != (part.size, sent.own.hexdigest()):
            return _Sent(0)
        return sent

    def _write(self, channel: SftpChannel, handle: bytes, file: FileIO, status: os.stat_result, sent: _Sent) -> None:
        under_way: deque[tuple[int, int]] = deque()
        has_holes, written_to = is_sparse(status), sent.size
        for data in self._pieces(file, status.st_size, sent.size):
            sent.own.update(data)
            start, end = data_span(data) if has_holes else (0, len(data))
            if start < end:
                under_way.append((channel.send_write(handle, sent.size + start, data[start:end]), len(data)))
                written_to = sent.size + end
            sent.size += len(data)
            self._moved += end - start
            if len(under_way) >= UNDER_WAY:
                self._settle(channel, under_way)
        while under_way:
            self._settle(channel, under_way)
        if written_to < sent.size:
            channel.set_size(handle, sent.size)

    def _pieces(self, file: FileIO, size: int, offset: int) -> Iterator[memoryview]:
        """So much as the file was said to have; and all, where what it is said to have is not what it holds."""
        buffer = memoryview(bytearray(CHUNK_BYTES))
        while offset < size and (got := file.readinto(buffer[: size - offset])):
            offset += got
            yield buffer[:got]
        while offset >= size and (got := file.readinto(buffer)) and os.fstat(file.fileno()).st_size == size:
            yield buffer[:got]

    def _look_for_changes(self, file: FileIO, status: os.stat_result, sent: _Sent) -> None:
        """Raises SshoreError where what has been sent is not what was there at the start, as of a file that grows."""
        now = os.fstat(file.fileno())
        if sent.size != status.st_size and now.st_size == status.st_size:
            if self._follows:
                self._has_true_size = False
                raise ConnectionLost(f"{shown(str(self._source))} has not the size that it is said to have")
            return
        if (now.st_size, now.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            return
        again = hashlib.sha256()
        file.seek(0)
        _read_into(again, file, sent.size)
        if now.st_size < status.st_size or again.digest() != sent.own.digest():
            raise SshoreError(
                f"{shown(str(self._source))} was changed while it was sent: send it again", code=Code.CONFLICT
            )
        if now.st_size > status.st_size:
            self._keeping.watcher.told(
                f"{shown(str(self._source))} grew while it was sent: what was there at the start has been copied"
            )

    def _settle(self, channel: SftpChannel, under_way: "deque[tuple[int, int]]") -> None:
        request_id, size = under_way.popleft()
        channel.take_done(request_id)
        self._keeping.got_on()
        self._show(self._shown + size)

    def _check(self, own: str, size: int) -> str:
        """By what the ends were compared."""
        checker = self._keeping.remote.checker
        there = checker.result() if self._follows else checker.check(self._part)
        if there is not None and there.size == size and there.sha256 in (own, ""):
            return "sha256" if there.sha256 else "size"
        if self._mismatched:
            raise SshoreError(
                f"the checksum of {shown(str(self._source))} is another one at the server, twice: somebody else writes "
                f"{shown(self._part)}, or a disk or a memory is faulty",
                code=Code.CONFLICT,
            )
        self._mismatched = True
        raise ConnectionLost("the checksums at both ends differ, all is sent again")

    def _explained(self, error: SftpError, channel: SftpChannel) -> SshoreError:
        kept = f"what has arrived is kept in {shown(self._part)}: the same command goes on from there"
        if channel.is_full(self._part):
            return SshoreError(f"the server's disk is full; {kept}", code=Code.STORAGE_FULL)
        return SshoreError(f"the server cannot write: {error.problem.detail}; {kept}", code=error.problem.code)

    def _show(self, arrived: int) -> None:
        self._keeping.watcher.moved(arrived - self._shown)
        self._shown = arrived


def _read_into(own: "hashlib._Hash", file: FileIO, length: int) -> None:
    while length and (data := file.read(min(length, _READ_BYTES))):
        own.update(data)
        length -= len(data)


@contextmanager
def _opened(path: Path) -> Iterator[FileIO]:
    # Opening a pipe would wait for its other end without O_NONBLOCK.
    descriptor = os.open(path, os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY")))
    with FileIO(descriptor) as file:
        if not stat.S_ISREG(mode := os.fstat(descriptor).st_mode):
            raise InvalidInput(f"{shown(str(path))} is {no_file(mode)}")
        try:
            yield file
        except OSError as error:  # of a read, which knows no name
            raise OSError(error.errno, error.strerror, str(path)) from error
