"""Opens a stream on asyncio, ready for `sshore.relay.join`."""

import asyncio
import ssl
from typing import cast

from sshore.sdk.errors import ServerUnreachable
from sshore.sdk.keep_alive import keep_alive
from sshore.sdk.stream_head import AnswerReader, StreamTarget


class OpenStream(asyncio.Protocol):
    """A stream: its transport, and what has arrived on it before it is joined."""

    def __init__(self, target: StreamTarget) -> None:
        self.transport: asyncio.Transport
        self._target = target
        self._reader = AnswerReader(target)
        self._early = bytearray()
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.at_eof = False

    async def wait_open(self) -> None:
        await self._answered

    def take_early(self) -> bytes:
        """The first bytes of the stream, as far as they have been read; call it in the step that joins."""
        early, self._early = bytes(self._early), bytearray()
        return early

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By kind, not by class: uvloop's transports derive from none of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._target.request())

    def data_received(self, data: bytes) -> None:
        if self._answered.done():
            self._early += data
            return
        try:
            first = self._reader.feed(data)
        except Exception as error:
            self._fail(error)
            return
        if first is not None:
            # Until a relay reads, the kernel holds what comes: flow control begins here.
            self.transport.pause_reading()
            self._early += first
            self._answered.set_result(None)

    def eof_received(self) -> bool:
        self.at_eof = True
        self._fail(self._reader.feed_eof())
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.at_eof = True
        self._fail(ServerUnreachable(self._target.address, exc or "it closed the connection"))

    def _fail(self, error: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(error)


async def open_stream(target: StreamTarget, timeout_s: float = 30) -> OpenStream:
    """Open a stream; reading is paused. The caller closes its transport (a relay does).

    Raises:
        ApiError: the stream was refused.
        ServerUnreachable: there was no answer.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _open(target)
    except OSError as error:  # TimeoutError and SSLError are OSErrors
        raise ServerUnreachable(target.address, error) from error


async def _open(target: StreamTarget) -> OpenStream:
    loop = asyncio.get_running_loop()
    address = target.address
    context = ssl.create_default_context() if address.is_tls else None
    transport, stream = await loop.create_connection(
        lambda: OpenStream(target), address.host, address.port, ssl=context
    )
    try:
        keep_alive(transport.get_extra_info("socket"))
        await stream.wait_open()
    except BaseException:
        transport.abort()
        raise
    return stream
