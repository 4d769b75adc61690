"""Checksums made by the server; see `sshore.agent.check_files` for its half."""

from typing import Any

from sshore.core.errors import SshoreError
from sshore.sdk.errors import ConnectionLost, explain
from sshore.sdk.sftp.connection import Connection
from sshore.sdk.sftp.remote import Checksum
from sshore.wire.lines import LineError, encode_line, split_line
from sshore.wire.problems import Code, read_problem

_ANSWER = b'{"ok":'


class Checker:
    """A connected check program. Blocking; a large file takes seconds."""

    def __init__(self, connection: Connection, first: bytes = b"", *, skips_noise: bool = False) -> None:
        self._connection = connection
        self._received = bytearray(first)
        self._skips_noise = skips_noise
        self._is_under_way = False

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
        request = {"path": path.decode(errors="surrogateescape"), "length": length, "follow": follow}
        if self._is_under_way:  # of a transfer that was given up
            self._answer()
        try:
            self._connection.sendall(encode_line(request))
        except (OSError, LineError) as error:
            raise ConnectionLost(explain(error)) from error
        self._is_under_way = True

    def result(self) -> Checksum | None:
        """What was started; raises as `check` does."""
        reply = self._answer()
        if reply.get("ok") is True:
            return Checksum(int(reply["size"]), int(reply["length"]), str(reply["sha256"]))
        problem = read_problem(reply, "it cannot be checked")
        if problem.code is Code.NOT_FOUND:
            return None
        raise SshoreError(problem.detail, code=problem.code)

    def _answer(self) -> dict[str, Any]:
        self._is_under_way = False
        try:
            return self._reply()
        except (OSError, LineError) as error:
            raise ConnectionLost(explain(error)) from error

    def _reply(self) -> dict[str, Any]:
        while (parts := self._split()) is None:
            data = self._connection.recv(4096)
            if not data:
                raise ConnectionLost("the connection was closed")
            self._received += data
        reply, rest = parts
        self._received = bytearray(rest)
        return reply

    def _split(self) -> tuple[dict[str, Any], bytes] | None:
        if self._skips_noise:  # people's startup files print, before a program in the session can
            start = self._received.find(_ANSWER)
            if start < 0:
                return None
            del self._received[:start]
            self._skips_noise = False
        return split_line(self._received)
