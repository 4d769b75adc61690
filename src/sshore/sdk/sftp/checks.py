"""Checksums made by the server; see `sshore.agent.check_files` for its half."""

import socket
from dataclasses import dataclass
from typing import Any

from sshore.core.errors import SshoreError
from sshore.sdk.errors import ConnectionLost, explain
from sshore.wire.lines import LineError, encode_line, split_line
from sshore.wire.problems import Code, read_problem


@dataclass(frozen=True, slots=True)
class Checksum:
    """Of the first `length` bytes of a file that has `size`."""

    size: int
    length: int
    sha256: str


class Checker:
    """A connected check program. Blocking; a large file takes seconds."""

    def __init__(self, connection: socket.socket, first: bytes = b"") -> None:
        self._connection = connection
        self._received = bytearray(first)

    def close(self) -> None:
        self._connection.close()

    def check(self, path: bytes, length: int | None = None) -> Checksum | None:
        """The checksum of a file's first `length` bytes, or of all; None when there is no such file.

        Raises:
            SshoreError: the server cannot read it. ConnectionLost: it, or the network, is gone.
        """
        try:
            self._connection.sendall(encode_line({"path": path.decode(errors="surrogateescape"), "length": length}))
            reply = self._reply()
        except (OSError, LineError) as error:
            raise ConnectionLost(explain(error)) from error
        if reply.get("ok") is True:
            return Checksum(int(reply["size"]), int(reply["length"]), str(reply["sha256"]))
        problem = read_problem(reply, "it cannot be checked")
        if problem.code is Code.NOT_FOUND:
            return None
        raise SshoreError(problem.detail, code=problem.code)

    def _reply(self) -> dict[str, Any]:
        while (parts := split_line(self._received)) is None:
            data = self._connection.recv(4096)
            if not data:
                raise ConnectionLost("the connection was closed")
            self._received += data
        reply, rest = parts
        self._received = bytearray(rest)
        return reply
