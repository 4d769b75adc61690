"""Requests' bodies have a limit: FastAPI reads all of one into memory before it asks who is calling."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 2 << 20
"""The longest are user files and bootstrap scripts, in base64 or with JSON's escapes."""


class BodyLimit:
    """ASGI middleware that cuts off a longer body: 413, whether its length was announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise HTTPException(413, f"a request has at most {MAX_BODY_BYTES >> 20} MiB")
            return message

        await self._app(scope, receive_some, send)
