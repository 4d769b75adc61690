"""One link to the gateway: dialled, parked, and taken by one line."""

import socket
from collections.abc import Callable
from typing import Any

from sshore import __version__
from sshore.agent.dial import dial
from sshore.agent.loop import READ, WRITE, Loop
from sshore.wire.heads import MAX_UPGRADE_HEAD_BYTES, link_request, parse_response
from sshore.wire.lines import MAX_LINE_BYTES, LineError, decode_line, encode_line

PATIENCE_S = 10.0
"""How long the gateway may take to connect and to answer the request."""


class Refused(Exception):
    """The gateway answered the request with something else than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the gateway refuses the link with status {status}")
        self.status = status


class Link:
    """A link that is being dialled or is parked.

    Calls back once with `on_parked`, then once with `on_taken`, which gets the socket and the line;
    or once with `on_lost` in between. The socket is this object's until `on_taken`.
    """

    def __init__(
        self,
        loop: Loop,
        gateway: str,
        token: str,
        *,
        on_parked: Callable[["Link"], None],
        on_taken: Callable[["Link", socket.socket, "dict[str, Any] | LineError"], None],
        on_lost: Callable[["Link", Exception], None],
    ) -> None:
        """Dial.

        Raises:
            OSError: nobody listens there.
        """
        self._loop = loop
        self._token = token
        self._on_parked, self._on_taken, self._on_lost = on_parked, on_taken, on_lost
        self._received = bytearray()
        self._socket = dial(gateway)
        self._timer = loop.call_later(PATIENCE_S, lambda: self._lose(TimeoutError("the gateway does not answer")))
        loop.watch(self._socket.fileno(), WRITE, self._on_connected)

    def close(self) -> None:
        self._release()
        self._socket.close()

    def _on_connected(self, events: int) -> None:
        try:
            status = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if status:
                raise OSError(status, "cannot connect to the gateway")
            self._socket.send(link_request("gateway", self._token, f"sshore-agent/{__version__}"))
        except OSError as error:
            self._lose(error)
        else:
            self._loop.watch(self._socket.fileno(), READ, self._on_head)

    def _on_head(self, events: int) -> None:
        try:
            if not receive_until(self._socket, self._received, b"\r\n\r\n", MAX_UPGRADE_HEAD_BYTES):
                return
            status = parse_response(bytes(self._received[:-4])).status
            if status != 101:
                raise Refused(status)
        except (OSError, ValueError, Refused) as error:
            self._lose(error)
        else:
            self._park()

    def _park(self) -> None:
        self._timer.cancel()
        self._received.clear()
        self._loop.watch(self._socket.fileno(), READ, self._on_line)
        self._on_parked(self)

    def _on_line(self, events: int) -> None:
        message: dict[str, Any] | LineError
        try:
            if not receive_until(self._socket, self._received, b"\n", MAX_LINE_BYTES):
                return
            message = decode_line(bytes(self._received[:-1]))
        except (LineError, RecursionError) as error:
            message = LineError(str(error))
        except OSError as error:
            self._lose(error)
            return
        self._release()
        self._on_taken(self, self._socket, message)

    def _lose(self, error: Exception) -> None:
        self.close()
        self._on_lost(self, error)

    def _release(self) -> None:
        self._timer.cancel()
        self._loop.unwatch(self._socket.fileno())


def receive_until(connection: socket.socket, received: bytearray, end: bytes, limit: int) -> bool:
    """Move bytes from the socket to `received`, up to `end` and not one beyond: those are the app's.

    Returns whether `received` now ends with `end`. Does not block.

    Raises:
        ConnectionError: the peer has closed.
        LineError: there are `limit` bytes and still no `end`.
    """
    try:
        ahead = connection.recv(4096, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    if not ahead:
        raise ConnectionResetError("the gateway has closed the link")
    tail = bytes(received[-(len(end) - 1) :]) if len(end) > 1 else b""
    found = (tail + ahead).find(end)
    received += connection.recv(len(ahead) if found < 0 else found + len(end) - len(tail))
    if found < 0 and len(received) >= limit:
        raise LineError(f"there are {limit} bytes and no end")
    return received.endswith(end)


def answer(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send the one line back; on a socket that has sent nothing else it fits the buffer.

    Raises:
        OSError: the gateway is gone.
    """
    line = encode_line(message)
    if connection.send(line) != len(line):
        raise ConnectionAbortedError("the gateway does not read")
