"""SFTP requests on a stream: one at a time, or many under way. Blocking."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from sshore.core.errors import SshoreError
from sshore.sdk.errors import ConnectionLost, explain
from sshore.sdk.sftp import packets
from sshore.sdk.sftp.connection import Connection
from sshore.sdk.sftp.names import check_listed
from sshore.sdk.sftp.packets import Attributes, Kind, Malformed, Open, Reader, Status
from sshore.wire.problems import Code

_MAX_PACKET_BYTES = 1 << 20
_CODES = {Status.NO_SUCH_FILE: Code.NOT_FOUND, Status.PERMISSION_DENIED: Code.FORBIDDEN}
_PHRASES = {Status.NO_SUCH_FILE: "no such file", Status.PERMISSION_DENIED: "permission denied"}


class SftpError(SshoreError):
    """The server refused one request; the channel goes on."""

    def __init__(self, status: int, message: str) -> None:
        known = next((known for known in Status if known == status), Status.FAILURE)
        # OpenSSH has one word for each status: a full or read-only disk, or a directory in the way, is "Failure".
        unsaid = "the other end could not, and does not say why (full, read-only, or something in the way?)"
        phrase = _PHRASES.get(known) or (message if message not in ("", "Failure") else unsaid)
        super().__init__(phrase, code=_CODES.get(known, Code.INTERNAL))
        self.status = status


class SftpChannel:
    """A connected SFTP server; whoever opened the connection closes it with `close`.

    Raises (every method):
        SftpError: the server refused. ConnectionLost: it, or the network, is gone.
    """

    def __init__(self, connection: Connection, first: bytes = b"") -> None:
        self._connection = connection
        self._first = first
        self._last_id = 0
        self._answers: dict[int, tuple[Kind, Reader]] = {}
        with _lost():
            connection.sendall(packets.init())
        kind, _ = self._receive()
        if kind is not Kind.VERSION:
            raise ConnectionLost("it does not speak SFTP")

    def close(self) -> None:
        self._connection.close()

    def stat(self, path: bytes) -> Attributes | None:
        """What a name stands for, links followed; None when there is nothing."""
        return self._attributes(Kind.STAT, path)

    def lstat(self, path: bytes) -> Attributes | None:
        """The same of the name itself, which may be a link."""
        return self._attributes(Kind.LSTAT, path)

    def stat_handle(self, handle: bytes) -> Attributes:
        """What is said of an open file now."""
        return self._ask(Kind.FSTAT, packets.string(handle), Kind.ATTRS).attributes()

    def _attributes(self, kind: Kind, path: bytes) -> Attributes | None:
        try:
            return self._ask(kind, packets.string(path), Kind.ATTRS).attributes()
        except SftpError as error:
            if error.status == Status.NO_SUCH_FILE:
                return None
            raise

    def real_path(self, path: bytes) -> bytes:
        """An absolute path without links."""
        answer = self._ask(Kind.REALPATH, packets.string(path), Kind.NAME)
        with _lost():
            answer.u32()
            return bytes(answer.string())

    def open(self, path: bytes, flags: Open) -> bytes:
        """A file that is made by it is its owner's alone, until `set_mode`."""
        return bytes(self._ask(Kind.OPEN, packets.open_body(path, flags, 0o600), Kind.HANDLE).string())

    def close_handle(self, handle: bytes) -> None:
        self._ask(Kind.CLOSE, packets.string(handle))

    def set_size(self, handle: bytes, size: int) -> None:
        """Of an open file; what it gains is a hole."""
        self._ask(Kind.FSETSTAT, packets.size_body(handle, size))

    # Two requests, because a file system may have the one and refuse the other, and OpenSSH's server has one answer.

    def set_mode(self, handle: bytes, mode: int) -> None:
        self._ask(Kind.FSETSTAT, packets.mode_body(handle, mode))

    def set_times(self, handle: bytes, modified_at: int) -> None:
        self._ask(Kind.FSETSTAT, packets.times_body(handle, modified_at))

    def set_directory_mode(self, path: bytes, mode: int) -> None:
        self._ask(Kind.SETSTAT, packets.mode_body(path, mode))

    def set_directory_times(self, path: bytes, modified_at: int) -> None:
        self._ask(Kind.SETSTAT, packets.times_body(path, modified_at))

    def make_directory(self, path: bytes, mode: int) -> None:
        """Make a directory where there is none; its owner may always write into it."""
        try:
            self._ask(Kind.MKDIR, packets.mkdir_body(path, mode | 0o700))
        except SftpError:
            there = self.stat(path)
            if there is None or not there.is_directory:
                raise

    def remove(self, path: bytes) -> None:
        self._ask(Kind.REMOVE, packets.string(path))

    def rename(self, old: bytes, new: bytes) -> None:
        """Give a file a name, in the place of what has it."""
        self._ask(Kind.EXTENDED, packets.rename_body(old, new))

    def is_full(self, path: bytes) -> bool:
        """Whether the disk that the path is on has no room left for this user."""
        answer = self._ask(Kind.EXTENDED, packets.free_space_body(path), Kind.EXTENDED_REPLY)
        numbers = [answer.u64() for _ in range(5)]
        return numbers[4] == 0

    def names(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """What a directory holds; links are not followed. Raises SshoreError, too: see `check_listed`."""
        handle = bytes(self._ask(Kind.OPENDIR, packets.string(path), Kind.HANDLE).string())
        while True:
            try:
                answer = self._ask(Kind.READDIR, packets.string(handle), Kind.NAME)
            except SftpError as error:
                if error.status != Status.EOF:
                    raise
                break
            for _ in range(answer.u32()):
                name = bytes(answer.string())
                answer.string()
                attributes = answer.attributes()
                if name not in (b".", b".."):
                    yield check_listed(name), attributes
        self.close_handle(handle)

    # Many under way: send, then take the answers in the order of the requests.

    def send_write(self, handle: bytes, offset: int, data: memoryview) -> int:
        """The data may change when this has returned."""
        return self._send(Kind.WRITE, packets.write_head(handle, offset, len(data)), data)

    def send_read(self, handle: bytes, offset: int, length: int) -> int:
        return self._send(Kind.READ, packets.read_body(handle, offset, length))

    def take_done(self, request_id: int) -> None:
        self._take(request_id, None)

    def take_data(self, request_id: int, most: int) -> memoryview:
        """The data that a read of so many bytes has brought; empty at the end of the file."""
        try:
            with _lost():
                data = self._take(request_id, Kind.DATA).string()
                if len(data) > most:
                    raise Malformed("more data than was asked for")
                return data
        except SftpError as error:
            if error.status == Status.EOF:
                return memoryview(b"")
            raise

    def _ask(self, kind: Kind, body: bytes, expected: Kind | None = None) -> Reader:
        return self._take(self._send(kind, body), expected)

    def _send(self, kind: Kind, body: bytes, data: memoryview | None = None) -> int:
        self._last_id = (self._last_id + 1) & 0xFFFFFFFF
        with _lost():
            self._connection.sendall(packets.frame(kind, self._last_id, body, len(data or b"")))
            if data:  # by itself, because joining would copy it
                self._connection.sendall(data)
        return self._last_id

    def _take(self, request_id: int, expected: Kind | None) -> Reader:
        """The answer to a request. Without `expected` it is a status."""
        while request_id not in self._answers:
            kind, answer = self._receive()
            with _lost():
                self._answers[answer.u32()] = (kind, answer)
        kind, answer = self._answers.pop(request_id)
        with _lost():
            if kind is Kind.STATUS:
                status = answer.u32()
                if status != Status.OK or expected is not None:
                    raise SftpError(status, bytes(answer.string()).decode(errors="replace"))
            elif kind is not expected:
                raise Malformed(f"an unexpected answer of kind {kind}")
        return answer

    def _receive(self) -> tuple[Kind, Reader]:
        with _lost():
            (length,) = struct.unpack(">I", self._exactly(4))
            if not 1 <= length <= _MAX_PACKET_BYTES:
                raise Malformed("a packet of an impossible length")
            packet = self._exactly(length)
            return Kind(packet[0]), Reader(packet[1:])

    def _exactly(self, length: int) -> memoryview:
        buffer = memoryview(bytearray(length))
        early = self._first[:length]
        buffer[: len(early)], self._first = early, self._first[length:]
        at = len(early)
        while at < length:
            size = self._connection.recv_into(buffer[at:])
            if not size:
                raise ConnectionLost("the connection was closed")
            at += size
        return buffer


@contextmanager
def _lost() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConnectionLost(explain(error)) from error
    except ValueError as error:  # Malformed; no kind of packet; and no UTF-8, where that were of interest
        raise ConnectionLost(f"it does not speak SFTP: {error}") from error
