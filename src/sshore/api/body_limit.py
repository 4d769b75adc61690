"""Requests' bodies have a limit, by their route."""

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

USUAL_BODY_BYTES = 64 << 10
LONG_BODY_BYTES = 2 << 20
LONG = frozenset({"/api/v1/files/{name}", "/api/v1/bootstrap"})
"""Routes that take files, in base64 or with JSON's escapes."""


class BodyLimit:
    """ASGI middleware that cuts off a longer body: 413, whether its length was announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            most = _most(scope)
            if not received:
                _check(_announced(scope), most)  # before any of it is read
            message = await receive()
            received += len(message.get("body", b""))
            _check(received, most)
            return message

        await self._app(scope, receive_some, send)


def _most(scope: Scope) -> int:
    """Known when a route has been found, which is before anything is read."""
    return LONG_BODY_BYTES if getattr(scope.get("route"), "path_format", "") in LONG else USUAL_BODY_BYTES


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _check(length: int, most: int) -> None:
    if length > most:
        size = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
        raise HTTPException(413, f"a request has at most {size} here")
