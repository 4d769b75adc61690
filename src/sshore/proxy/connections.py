"""One TCP connection to a forward: opens its stream, patiently, and relays.

Nothing but the peer's bytes is ever written into a stream. Where none could be opened, refusal.py answers.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from sshore.core.errors import SshoreError
from sshore.proxy.health import is_passing
from sshore.proxy.turns import Turns
from sshore.relay.join import Relay, join
from sshore.sdk.async_stream import OpenStream, open_stream
from sshore.sdk.stream_head import StreamTarget

PATIENCE_S = 15.0
_FIRST_DELAY_S, _MAX_DELAY_S = 0.1, 1.0


class _Waiting(asyncio.Protocol):
    """A client between its acceptance and the relay: keeps what one read may bring before reading is paused."""

    def __init__(self) -> None:
        self.early = bytearray()
        self.at_eof = False

    def data_received(self, data: bytes) -> None:
        self.early += data

    def eof_received(self) -> bool:
        self.at_eof = True
        return True


async def open_patiently(target: Callable[[], StreamTarget], turns: Turns) -> OpenStream:
    """Open a stream. `target` is asked again for each attempt, because a token may be renewed meanwhile; each attempt
    takes a turn, and none is kept while nothing is attempted.

    Raises:
        SshoreError: it could not be opened, within `PATIENCE_S` since its first turn where there was hope.
    """
    loop = asyncio.get_running_loop()
    deadline: float | None = None
    delay_s = _FIRST_DELAY_S
    while True:
        async with turns:
            deadline = deadline or loop.time() + PATIENCE_S
            try:
                stream = await open_stream(target(), PATIENCE_S)
            except SshoreError as error:
                if not is_passing(error) or loop.time() + delay_s > deadline:
                    raise
            else:
                turns.note_progress()
                return stream
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, _MAX_DELAY_S)


async def begin_relay(client: socket.socket, stream: OpenStream) -> Relay:
    """Begin to relay between a client and its stream; both are the relay's from now on, or closed."""
    loop = asyncio.get_running_loop()
    try:
        with suppress(OSError):  # the client may have gone
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport, waiting = await loop.connect_accepted_socket(_Waiting, client)
    except BaseException:
        client.close()
        stream.transport.abort()
        raise
    if not transport.is_closing():
        transport.pause_reading()
    joined = join(transport, stream.transport, to_left=stream.take_early(), to_right=bytes(waiting.early))
    # An end that came before the relay did is news to it.
    for side, ended in ((transport, waiting.at_eof), (stream.transport, stream.at_eof)):
        if ended:
            side.get_protocol().eof_received()  # type: ignore[attr-defined]
    return joined
