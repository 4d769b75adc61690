"""Checksums made by the server; see `sshore.agent.check_files` for its half."""

from typing import Any

from sshore.core.errors import SshoreError
from sshore.sdk.errors import ConnectionLost, explain
from sshore.sdk.sftp.connection import Connection, connect
from sshore.sdk.sftp.remote import Checksum
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.lines import LineError, encode_line, split_line
from sshore.wire.problems import Code, read_problem

_SLOWEST_DISK = 8 << 20
"""Bytes a second. Programs of former versions give no sign while they read."""


class Checker:
    """A connected check program. Blocking; a large file takes minutes, but silence no longer than `patience_s`."""

    def __init__(self, connection: Connection, first: bytes = b"", *, patience_s: float) -> None:
        self._connection = connection
        self._received = bytearray(first)
        self._patience_s = patience_s
        self._is_under_way = False
        self._length = 0

    def close(self) -> None:
        self._connection.close()

    def check(self, path: bytes, length: int | None = None) -> Checksum | None:
        """The checksum of a file's first `length` bytes, or of all; None when there is no such file.

        Raises:
            SshoreError: the server cannot read it. ConnectionLost: it, or the network, is gone.
        """
        self.start(path, length)
        return self.result()

    def start(self, path: bytes, length: int | None = None, *, follow: bool = False) -> None:
        """Have it made while something else goes on. Raises ConnectionLost."""
        request = {"path": path.decode(errors="surrogateescape"), "length": length, "follow": follow, "signs": True}
        if self._is_under_way:  # of a transfer that was given up
            self._answer()
        try:
            self._connection.settimeout(self._patience_s)
            self._connection.sendall(encode_line(request))
        except (OSError, LineError) as error:
            raise ConnectionLost(explain(error)) from error
        self._is_under_way = True
        self._length = length or 0

    def result(self) -> Checksum | None:
        """What was started; raises as `check` does."""
        reply = self._answer()
        if reply.get("ok") is True:
            return _checksum(reply)
        problem = read_problem(reply, "it cannot be checked")
        if problem.code is Code.NOT_FOUND:
            return None
        raise SshoreError(problem.detail, code=problem.code)

    def _answer(self) -> dict[str, Any]:
        self._is_under_way = False
        try:
            self._connection.settimeout(self._patience_s + self._length / _SLOWEST_DISK)
            while (reply := self._reply()).get("ok") == "going":
                pass
        except (OSError, LineError) as error:
            raise ConnectionLost(explain(error)) from error
        return reply

    def _reply(self) -> dict[str, Any]:
        while (parts := split_line(self._received)) is None:
            self._receive()
        reply, rest = parts
        self._received = bytearray(rest)
        return reply

    def _receive(self) -> None:
        data = self._connection.recv(4096)
        if not data:
            raise ConnectionLost("the connection was closed")
        self._received += data


def open_checker(target: StreamTarget, patience_s: float) -> Checker:
    """The one that answers on a stream. Raises as `connect` does."""
    connection, first = connect(target, patience_s)
    return Checker(connection, first, patience_s=patience_s)


def _checksum(reply: dict[str, Any]) -> Checksum:
    try:
        changed = reply.get("mtime_ns")
        modified_ns = int(changed) if changed is not None else None
        return Checksum(int(reply["size"]), int(reply["length"]), str(reply["sha256"]), modified_ns)
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectionLost("what makes the checksums does not answer as it should") from error
