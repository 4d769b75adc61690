"""The first protocol of each connection: reads one request head and decides whose the connection is."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from sshore.gateway.gateway import Gateway
from sshore.wire.heads import LINK_PROTOCOL, HeadError, parse_request, problem_response, split_head
from sshore.wire.problems import Code, Problem

HEAD_PATIENCE_S = 30.0
"""How long a connection may take over its first request head."""

_UNIX_SEND_BUFFER_BYTES = 512 << 10
"""Unix sockets' buffers do not grow by themselves, as TCP's do: what fits is written and read in one go."""
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class FrontDoor(asyncio.Protocol):
    """Keeps upgrades of ours for the gateway and lets `http` (a protocol factory) have the rest.

    Without `http` anything else is refused; with `links_only`, as on the agents' Unix socket, streams are, too.
    """

    def __init__(
        self, gateway: Gateway, http: Callable[[], asyncio.Protocol] | None, *, links_only: bool = False
    ) -> None:
        self._gateway = gateway
        self._links_only = links_only
        self._http = http
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's are none by inheritance
        self._transport = stream
        _set_up(stream)
        self._gateway.unfinished.enter(stream, self._gateway.proxies.trust)
        self._timer = asyncio.get_running_loop().call_later(HEAD_PATIENCE_S, stream.abort)

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            parts = split_head(self._received)
            if parts is None:
                return
            head = parse_request(parts[0])
        except HeadError:
            self._pass_on()  # the HTTP server has its own words for it
            return
        assert self._transport is not None
        if head.upgrade == LINK_PROTOCOL:
            self._stop_timer()  # it is unfinished until it is known whose it is: so many may wait for that, and no more
        else:
            self._finished()
        refused = self._links_only and head.upgrade != LINK_PROTOCOL
        if refused or not self._gateway.accept(self._transport, head, parts[1]):
            self._pass_on()

    def eof_received(self) -> bool:
        # A client may have sent its request and its end of file in one go: the stream's half-close
        # is the relay's to pass on, and before a head is complete there is nothing to answer.
        return bool(self._timer is None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finished()

    def _pass_on(self) -> None:
        assert self._transport is not None
        self._finished()
        if self._http is None:
            self._transport.write(
                problem_response(Problem(Code.NOT_FOUND, "this socket takes the links of agents, nothing else"))
            )
            self._transport.close()
            return
        http = self._http()
        self._transport.set_protocol(http)
        http.connection_made(self._transport)
        http.data_received(bytes(self._received))

    def _finished(self) -> None:
        """There is a head, or there will be none."""
        self._stop_timer()
        if self._transport is not None:
            self._gateway.unfinished.leave(self._transport)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _set_up(transport: asyncio.Transport) -> None:
    """Let TCP find dead peers (tcp(7)); a silent one is left alone. Let a Unix socket hold more."""
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    if sock.family == socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNIX_SEND_BUFFER_BYTES)
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE:
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
