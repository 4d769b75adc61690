"""Checksums made by the server; see `sshore.agent.check_files` for its half."""

import time
from typing import Any

from sshore.core.errors import SshoreError
from sshore.sdk.errors import ConnectionLost, explain
from sshore.sdk.sftp.connection import Connection
from sshore.sdk.sftp.remote import Checksum
from sshore.wire.lines import LineError, encode_line, split_line
from sshore.wire.problems import Code, read_problem

_ANSWER = b'{"ok":'
_SHELL = b'{"ok":"shell"}'
_TO_A_SHELL = b"echo '" + _SHELL + b"'\n"
"""Every shell says it, and so does what repeats its input. The program says that it is no request."""
_MOST_NOISE_BYTES = 1 << 20
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

    def find_program(self, within_s: float) -> None:
        """Skip what startup files print before a program in a session can answer.

        Raises:
            ConnectionLost: something else answers, or nothing does: a startup file has put another program there.
        """
        deadline, left = time.monotonic() + within_s, _MOST_NOISE_BYTES
        try:
            # Two lines: a startup file may read one.
            self._connection.settimeout(within_s)
            self._connection.sendall(_TO_A_SHELL + encode_line({"path": ""}))
            while not self._has_answered():
                self._connection.settimeout(max(deadline - time.monotonic(), 0.01))
                left -= self._receive()
                if time.monotonic() > deadline or left < 0:
                    raise TimeoutError
        except OSError as error:
            raise ConnectionLost(explain(error)) from error

    def _has_answered(self) -> bool:
        while (start := self._received.find(_ANSWER)) >= 0 and (end := self._received.find(b"\n", start)) >= 0:
            line = bytes(self._received[start:end])
            del self._received[: end + 1]
            if line.startswith(_SHELL):
                raise ConnectionLost("a startup file has another program answer")
            if f'"{Code.NOT_FOUND}"'.encode() in line:  # there is no file without a name: the last of the answers
                return True
        del self._received[: start if start >= 0 else max(len(self._received) - len(_ANSWER), 0)]
        return False

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

    def _receive(self) -> int:
        data = self._connection.recv(4096)
        if not data:
            raise ConnectionLost("the connection was closed")
        self._received += data
        return len(data)


def _checksum(reply: dict[str, Any]) -> Checksum:
    try:
        changed = reply.get("mtime_ns")
        modified_ns = int(changed) if changed is not None else None
        return Checksum(int(reply["size"]), int(reply["length"]), str(reply["sha256"]), modified_ns)
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectionLost("what makes the checksums does not answer as it should") from error
