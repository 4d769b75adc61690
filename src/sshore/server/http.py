"""uvicorn behind the gateway's front door: one port for the API, streams and links."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sshore.core.errors import Unavailable
from sshore.gateway.front_door import FrontDoor
from sshore.gateway.gateway import Gateway
from sshore.server.activation import activated

_BACKLOG = 1024
_MAX_HEAD_BYTES = 64 << 10
_TOO_LONG = "The request's head is too long."
_REQUEST_PATIENCE_S = 120.0
"""How long a request may take to come, its body included, which has 2 MiB at most."""
_READING_PATIENCE_S = 60.0
"""How long a client may leave an answer unread that waits for it."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, with a limit to requests' heads, which httptools keeps in memory however long they are; to the time
    that a request may take to come, and an answer to be read; and to how many may be on their way."""

    _unfinished_bytes = 0
    """What has come since the last head or piece of a body was complete."""
    _head_bytes = 0
    """What of the head has been read: it may come whole in one write, or behind another request."""
    _coming = False
    _idle = False
    """Whether it has been answered, and may ask again."""
    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def __init__(self, gateway: Gateway, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._gateway = gateway

    def data_received(self, data: bytes) -> None:
        self._asks_again()
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._coming and self._deadline is None and not self.transport.is_closing():
            self._gateway.unfinished.enter(self.transport, self._gateway.proxies.trust)
            self._deadline = self.loop.call_later(_REQUEST_PATIENCE_S, self.transport.abort)
        if self._unfinished_bytes > _MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(_TOO_LONG)

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(_TOO_LONG if self._head_bytes > _MAX_HEAD_BYTES else msg)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_begin(self) -> None:
        self._coming = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        self._arrived()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Kept open for another request, it says as little of what it wants as one that is new.
        if self.timeout_keep_alive_task is not None and not self._coming and not self.transport.is_closing():
            self._idle = True
            self._gateway.unfinished.enter(self.transport, self._gateway.proxies.trust)

    def pause_writing(self) -> None:
        # A client that reads nothing would keep its connection, and what it has asked for in memory, for ever.
        self._unread = self.loop.call_later(_READING_PATIENCE_S, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        self._is_read()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._asks_again()
        self._is_read()
        super().connection_lost(exc)

    def _count(self, length: int) -> None:
        """Count what the head has; what a callback raises stops the parser, which is answered by status 400."""
        self._head_bytes += length
        if self._head_bytes > _MAX_HEAD_BYTES:
            raise ValueError(_TOO_LONG)

    def _asks_again(self) -> None:
        if self._idle:
            self._idle = False
            self._gateway.unfinished.leave(self.transport)

    def _is_read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _arrived(self) -> None:
        self._coming = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._gateway.unfinished.leave(self.transport)


class HttpServer(uvicorn.Server):
    """uvicorn whose connections enter by the front door; `ready` is set once it listens."""

    def __init__(self, app: FastAPI, gateway: Gateway) -> None:
        def front_door(**arguments: Any) -> FrontDoor:
            return FrontDoor(gateway, lambda: HttpProtocol(gateway, **arguments))

        config = uvicorn.Config(
            app,
            http=cast(Any, front_door),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # X-Forwarded-For is whatever a local process makes of it
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)
        self._gateway = gateway
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the composition root's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gateway.close()  # uvicorn would wait for streams, which may live for days
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket: the service manager's, where it has handed one over.

    Raises:
        Unavailable: the address cannot be had; says what to do.
    """
    if (handed_over := activated()) is not None:
        return handed_over
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise Unavailable(
            f"port {port} on {host} cannot be had ({error.strerror}): stop what uses it, or choose another with --port"
            " or with SSHORE_PORT in the environment"
        ) from error
    return sock
