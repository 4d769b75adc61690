"""A local file into a folder: into a part file, resumed where that is the beginning of this very file, compared by
checksum, then renamed into its place."""

import hashlib
import os
from collections import deque
from io import FileIO
from pathlib import Path

from sshore.core.errors import InvalidInput, SshoreError
from sshore.sdk.errors import ConnectionLost
from sshore.sdk.sftp.channel import SftpChannel, SftpError
from sshore.sdk.sftp.packets import Attributes, Open, Status
from sshore.sdk.sftp.part_files import part_of
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

    def attempt(self) -> Transferred:
        with self._source.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            there = self._find_target()
            compared = "sha256"
            digest = self._already_there(there, file, status)
            if digest is None:
                digest = self._send(file, status, replaces=there is not None)
                compared = self._check(digest, status.st_size)
                if self._part != self._target:
                    self._keeping.remote.channel.rename(self._part, self._target)
        self._show(status.st_size)
        target = self._target.decode(errors="replace")
        return Transferred(str(self._source), target, status.st_size, self._moved, digest, compared)

    def _find_target(self) -> Attributes | None:
        """What is to be replaced. Where a link leads to a file, that is written and the link stays."""
        channel = self._keeping.remote.channel
        there = channel.lstat(self._target)
        if there is not None and there.is_link:
            there = channel.stat(self._target)
            if there is not None:
                self._target = channel.real_path(self._target)
                self._part = part_of(self._target)
        if there is not None and not there.is_file:
            raise InvalidInput(f"{self._target.decode(errors='replace')} is there, and is no file")
        return there

    def _already_there(self, there: Attributes | None, file: FileIO, status: os.stat_result) -> str | None:
        """The checksum, where a former call has brought this file to its place already."""
        if there is None or (there.size, there.modified_at) != (status.st_size, int(status.st_mtime)):
            return None
        checksum = self._keeping.remote.checker.check(self._target)
        own = hashlib.sha256()
        _read_into(own, file, status.st_size)
        return own.hexdigest() if checksum and checksum.sha256 == own.hexdigest() else None

    def _send(self, file: FileIO, status: os.stat_result, *, replaces: bool) -> str:
        """Send what the part file lacks; the checksum of the whole local file."""
        try:
            return self._send_part(file, status)
        except SftpError as error:
            if error.status != Status.PERMISSION_DENIED or not replaces or self._part == self._target:
                raise
            # Nothing can be made in that directory, but the file itself may be writable: it is written in its place.
            self._part = self._target
            return self._send_part(file, status)

    def _send_part(self, file: FileIO, status: os.stat_result) -> str:
        own, offset = self._resumable(file, status.st_size)
        self._show(offset)
        channel = self._keeping.remote.channel
        flags = Open.WRITE | Open.CREATE | (Open.TRUNCATE if offset == 0 else Open(0))
        handle = channel.open(self._part, flags)
        file.seek(offset)
        self._follows = status.st_size - offset > _WORTH_FOLLOWING
        if self._follows:
            self._keeping.remote.checker.start(self._part, status.st_size, follow=True)
        try:
            self._write(channel, handle, file, offset, own)
        except SftpError as error:
            raise self._explained(error, channel) from error
        if self._part != self._target:  # in its place it may be somebody else's
            channel.set_times_and_mode(handle, status.st_mode, int(status.st_mtime))
        channel.close_handle(handle)
        if os.fstat(file.fileno()).st_mtime_ns != status.st_mtime_ns or file.tell() != status.st_size:
            raise SshoreError(f"{self._source} was changed while it was sent: send it again", code=Code.CONFLICT)
        return own.hexdigest()

    def _resumable(self, file: FileIO, size: int) -> "tuple[hashlib._Hash, int]":
        """Where to go on, and the checksum of what lies before. A part that is no beginning of this file is no use."""
        part = None if self._mismatched else self._keeping.remote.channel.stat(self._part)
        file.seek(0)
        own = hashlib.sha256()
        if part is None or not 0 < part.size <= size:
            return own, 0
        there = self._keeping.remote.checker.check(self._part, part.size)
        _read_into(own, file, part.size)
        if there is None or (there.length, there.sha256) != (part.size, own.hexdigest()):
            return hashlib.sha256(), 0
        return own, part.size

    def _write(self, channel: SftpChannel, handle: bytes, file: FileIO, offset: int, own: "hashlib._Hash") -> None:
        under_way: deque[tuple[int, int]] = deque()
        buffer = memoryview(bytearray(CHUNK_BYTES))
        while size := file.readinto(buffer):
            data = buffer[:size]
            own.update(data)
            under_way.append((channel.send_write(handle, offset, data), len(data)))
            offset += len(data)
            self._moved += len(data)
            if len(under_way) >= UNDER_WAY:
                self._settle(channel, under_way)
        while under_way:
            self._settle(channel, under_way)

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
                f"the checksum of {self._source} is another one at the server, twice: somebody else writes "
                f"{self._part.decode(errors='replace')}, or a disk or a memory is faulty",
                code=Code.CONFLICT,
            )
        self._mismatched = True
        raise ConnectionLost("the checksums at both ends differ, all is sent again")

    def _explained(self, error: SftpError, channel: SftpChannel) -> SshoreError:
        kept = f"what has arrived is kept in {self._part.decode(errors='replace')}: the same command goes on from there"
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
