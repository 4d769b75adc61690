"""A file of a folder into a local one: into a part file, resumed, compared by checksum, then renamed into its place."""

import hashlib
import os
from collections import deque
from pathlib import Path
from typing import BinaryIO

from sshore.core.errors import InvalidInput, NotFound, SshoreError
from sshore.sdk.errors import ConnectionLost
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.packets import Attributes, Open
from sshore.sdk.sftp.part_files import part_of
from sshore.sdk.sftp.transfer import CHUNK_BYTES, UNDER_WAY, Persistence, Transferred
from sshore.wire.problems import Code


def download(source: bytes, target: Path, keeping: Persistence) -> Transferred:
    """Fetch a file; returns when it is in its place and its checksum is the same at both ends.

    Raises:
        OSError: it cannot be written here. SshoreError: the server refused, or has not come back in time; what has
            arrived is kept beside `target`, and the next call goes on from there.
    """
    return keeping.keep_at(_Download(source, target, keeping).attempt)


class _Download:
    def __init__(self, source: bytes, target: Path, keeping: Persistence) -> None:
        self._source = source
        self._target = target.resolve() if target.is_symlink() else target
        self._part = Path(os.fsdecode(part_of(os.fsencode(self._target))))
        if self._target.is_file() and not os.access(self._target.parent, os.W_OK):
            self._part = self._target  # nothing can be made in that directory: it is written in its place
        self._keeping = keeping
        self._shown = 0
        self._moved = 0
        self._mismatched = False

    def attempt(self) -> Transferred:
        there = self._keeping.remote.channel.stat(self._source)
        name = self._source.decode(errors="replace")
        if there is None or not there.is_file:
            raise NotFound(f"there is no file {name!r}")
        if self._target.exists() and not self._target.is_file():  # such as /dev/null, which must not be replaced
            raise InvalidInput(f"{self._target} is there, and is no file")
        digest = self._receive(there)
        compared = self._check(digest, there.size)
        if self._part != self._target:
            os.utime(self._part, (there.modified_at, there.modified_at))
            self._part.chmod(there.mode & 0o777)
            self._part.replace(self._target)
        return Transferred(name, str(self._target), there.size, self._moved, digest, compared)

    def _receive(self, there: Attributes) -> str:
        with self._part.open("ab+") as file:
            own, offset = self._resumable(file, there.size)
            file.truncate(offset)
            self._show(offset)
            channel = self._keeping.remote.channel
            handle = channel.open(self._source, Open.READ)
            self._keeping.remote.checker.start(self._source)
            self._read(channel, handle, file, offset, there.size, own)
            channel.close_handle(handle)
        return own.hexdigest()

    def _resumable(self, file: BinaryIO, size: int) -> "tuple[hashlib._Hash, int]":
        file.seek(0)
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

    def _read(
        self, channel: SftpChannel, handle: bytes, file: BinaryIO, offset: int, size: int, own: "hashlib._Hash"
    ) -> None:
        """Ask for many pieces ahead; a server may answer one with less than was asked for."""
        asked: deque[tuple[int, int, int]] = deque()
        ahead = offset
        while offset < size:
            while ahead < size and len(asked) < UNDER_WAY:
                length = min(CHUNK_BYTES, size - ahead)
                asked.append((channel.send_read(handle, ahead, length), ahead, length))
                ahead += length
            request_id, at, length = asked.popleft()
            data = channel.take_data(request_id)
            if not data:
                raise SshoreError("the file became shorter while it was fetched: fetch it again", code=Code.CONFLICT)
            file.write(data)
            own.update(data)
            offset = at + len(data)
            if len(data) < length:
                missing = length - len(data)
                asked.appendleft((channel.send_read(handle, offset, missing), offset, missing))
            self._moved += len(data)
            self._keeping.got_on()
            self._show(offset)

    def _check(self, own: str, size: int) -> str:
        """By what the ends were compared."""
        there = self._keeping.remote.checker.result()
        if there is not None and there.sha256 in (own, "") and (there.sha256 or there.size == size):
            return "sha256" if there.sha256 else "size"
        if self._mismatched:
            raise SshoreError("the checksums at both ends differ, twice: somebody writes the file", code=Code.CONFLICT)
        self._mismatched = True
        raise ConnectionLost("the checksums at both ends differ, all is fetched again")

    def _show(self, arrived: int) -> None:
        self._keeping.watcher.moved(arrived - self._shown)
        self._shown = arrived
