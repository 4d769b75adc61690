"""Bytes between a stream and an app's port: bounded buffers, half-close kept."""

import socket
from collections.abc import Callable

from sshore.agent.loop import READ, WRITE, Loop

CHUNK_BYTES = 256 << 10
"""The most that is held in each direction."""


class Pump:
    """Joins two connected sockets until both directions have ended, or one socket fails."""

    def __init__(self, loop: Loop, left: socket.socket, right: socket.socket, on_end: Callable[["Pump"], None]) -> None:
        self._loop, self._on_end = loop, on_end
        self._sockets = (left, right)
        self._directions = (_Direction(left, right), _Direction(right, left))
        for connection in self._sockets:
            connection.setblocking(False)
        self._watch()

    def close(self) -> None:
        """Close both sockets; `on_end` is called when they were open."""
        if self._sockets[0].fileno() < 0:
            return
        for connection in self._sockets:
            self._loop.unwatch(connection.fileno())
            connection.close()
        self._on_end(self)

    def _move(self, events: int) -> None:
        try:
            for direction in self._directions:
                direction.move()
        except OSError:
            self.close()
            return
        if all(direction.ended for direction in self._directions):
            self.close()
        else:
            self._watch()

    def _watch(self) -> None:
        forth, back = self._directions
        for connection, outgoing, incoming in ((forth.source, forth, back), (back.source, back, forth)):
            wanted = (READ if outgoing.wants_read else 0) | (WRITE if incoming.wants_write else 0)
            if wanted:
                self._loop.watch(connection.fileno(), wanted, self._move)
            else:
                self._loop.unwatch(connection.fileno())


class _Direction:
    """One way: what was read and is not yet written, at most one chunk."""

    __slots__ = ("_eof", "_pending", "_sink", "ended", "source")

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self._sink = source, sink
        self._pending = memoryview(b"")
        self._eof = False
        self.ended = False

    @property
    def wants_read(self) -> bool:
        return not self._pending and not self._eof

    @property
    def wants_write(self) -> bool:
        return bool(self._pending)

    def move(self) -> None:
        """Write what is held, read once, write that, and pass the end on."""
        self._write()
        if self.wants_read:
            self._read()
            self._write()
        if self._eof and not self._pending and not self.ended:
            self.ended = True
            self._sink.shutdown(socket.SHUT_WR)

    def _read(self) -> None:
        try:
            data = self.source.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        self._pending = memoryview(data)
        self._eof = not data

    def _write(self) -> None:
        try:
            while self._pending:
                self._pending = self._pending[self._sink.send(self._pending) :]
        except BlockingIOError:
            pass
