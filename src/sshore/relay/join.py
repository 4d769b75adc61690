"""Two joined transports: what one receives, the other sends.

    left peer ◀──▶ left transport │ Relay │ right transport ◀──▶ right peer

TCP's own flow control does the work: when one side cannot send, the other is not read. A half-close
(SFTP and rsync depend on it) passes through; a lost connection closes the other side after what it
still has to send, and a broken one aborts it, so that a cut stream never looks like a finished one.
"""

import asyncio
import socket
import sys
from contextlib import suppress

CHUNK_BYTES = 256 * 1024
_HIGH_WATER_BYTES = 512 * 1024

_PROMPT_READS = 32
"""So many first reads are acknowledged at once. `ssh` leaves Nagle's algorithm on until it has logged in, and holds
its next packet back for the acknowledgement of the last, which the kernel would delay by 40 ms (tcp(7))."""
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it

# A read fills the buffer and hands it on within one callback, so all relays of a thread share one.
# Not on Windows: there the kernel holds the buffer for as long as a read is under way.
_SHARED = None if sys.platform == "win32" else memoryview(bytearray(CHUNK_BYTES))


class _End(asyncio.BufferedProtocol):
    """One of the two ends; reads from its own transport, writes to its peer's."""

    __slots__ = ("_buffer", "_prompt_reads", "_relay", "at_eof", "peer", "received", "transport")

    # uvloop takes this method of each protocol, and keeps that of the last one which had it: with it, all that led to
    # the stream would stay in memory as long as the stream does.
    data_received = None

    def __init__(self, relay: "Relay", transport: asyncio.Transport) -> None:
        self._relay = relay
        self.transport = transport
        self.peer: _End = self
        self.received = 0
        self.at_eof = False
        self._prompt_reads = _PROMPT_READS if _QUICKACK is not None and _is_tcp(transport) else 0
        self._buffer = _SHARED if _SHARED is not None else memoryview(bytearray(CHUNK_BYTES))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received += nbytes
        self.peer.transport.write(bytes(self._buffer[:nbytes]))
        if self._prompt_reads:
            self._acknowledge()

    def eof_received(self) -> bool:
        self.at_eof = True
        if self.peer.at_eof:
            self.transport.close()
            self.peer.transport.close()
        elif not self.peer.transport.is_closing():
            if self.peer.transport.can_write_eof():
                self.peer.transport.write_eof()
            else:  # TLS knows no half-close
                self.peer.transport.close()
        return True

    def pause_writing(self) -> None:
        self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if not self.peer.transport.is_closing():
            self.peer.transport.resume_reading()

    def _acknowledge(self) -> None:
        """Acknowledge what has been read now; the option holds for once, not for ever."""
        assert _QUICKACK is not None
        self._prompt_reads -= 1
        with suppress(OSError):  # the peer may have gone
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.peer.transport.abort()
        else:
            self.peer.transport.close()
        self._relay._lost(exc)


def _is_tcp(transport: asyncio.Transport) -> bool:
    connection = transport.get_extra_info("socket")
    return connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6)


class Relay:
    """A stream between two peers, from `join` until both transports are gone."""

    __slots__ = ("_alive", "_left", "_right", "_waiter", "aborted", "broken")

    def __init__(self, left: asyncio.Transport, right: asyncio.Transport) -> None:
        self._left = _End(self, left)
        self._right = _End(self, right)
        self._left.peer, self._right.peer = self._right, self._left
        self._alive = 2
        self.broken: Exception | None = None
        """What broke the stream; None so far, or after an orderly end."""
        self.aborted = ""
        """Why `abort` was called; empty when it was not."""
        self._waiter: asyncio.Future[Exception | None] | None = None

    @property
    def bytes_from_left(self) -> int:
        return self._left.received

    @property
    def bytes_from_right(self) -> int:
        return self._right.received

    def abort(self, why: str = "aborted") -> None:
        """Break the stream off at both ends, dropping what was not yet sent."""
        self.aborted = self.aborted or why
        self._left.transport.abort()
        self._right.transport.abort()

    def wait_closed(self) -> "asyncio.Future[Exception | None]":
        """Done when both ends are gone: None after an orderly end, else what broke the stream. For one at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        if not self._alive:
            self._waiter.set_result(self.broken)
        return self._waiter

    def _start(self, to_left: bytes, to_right: bytes) -> None:
        self._left.received += len(to_right)
        self._right.received += len(to_left)
        for end, early in ((self._left, to_left), (self._right, to_right)):
            end.transport.set_protocol(end)
            end.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
            if early:
                end.transport.write(early)
        for end in (self._left, self._right):
            if end.transport.is_closing():
                end.peer.transport.close()
            else:
                end.transport.resume_reading()

    def _lost(self, exc: Exception | None) -> None:
        self._alive -= 1
        self.broken = self.broken or exc
        if not self._alive and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(self.broken)


def join(left: asyncio.Transport, right: asyncio.Transport, *, to_left: bytes = b"", to_right: bytes = b"") -> Relay:
    """Join two connected transports and begin to copy; call it with reading paused on both.

    `to_left` and `to_right` are bytes that have already been read from the other side.
    """
    relay = Relay(left, right)
    relay._start(to_left, to_right)
    return relay
