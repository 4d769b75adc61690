"""One parked connection of an agent: silent until it is asked one line, then answered by one."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from sshore.core.errors import EngineFailed, SshoreError, Unavailable
from sshore.wire.lines import LineError, encode_line, split_line
from sshore.wire.problems import Code, read_problem

FIRST_BYTES_S = 10.0
"""How long a stream waits for an app that speaks first; it goes on without, for the app may be slow."""

_AGENTS_CODES = {Code.INVALID_INPUT, Code.NOT_FOUND, Code.FORBIDDEN, Code.APP_NOT_LAUNCHED, Code.APP_FAILED}
"""Any program of a session can speak as its agent: of a user's token, or of the server, it has nothing to say."""


class LinkLost(Exception):
    """The link broke before the agent answered; another one may do."""


class Link(asyncio.Protocol):
    """A link from the time it is parked until it is taken, asked and handed over or closed."""

    def __init__(self, transport: asyncio.Transport, on_lost: "Callable[[Link], None]") -> None:
        self.transport = transport
        self._on_lost = on_lost
        self._answer: asyncio.Future[tuple[dict[str, Any], bytes]] | None = None
        self._first: asyncio.Future[bytes] | None = None
        self._received = bytearray()

    async def ask(self, message: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Write one line and return the agent's, with the bytes that came after it; reading is paused then.

        Raises:
            LinkLost: the connection broke first.
            SshoreError: the agent refused, or the app ended before its first word; the link is closed.
        """
        self._answer = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            raise LinkLost
        self.transport.write(encode_line(message))
        try:
            reply, rest = await self._answer
            if reply.get("speaks_first") is True and not rest:
                rest = await self._first_bytes()
        except BaseException:
            self.transport.abort()
            raise
        if reply.get("ok") is not True:
            self.transport.close()
            problem = read_problem(reply, "the agent refused without a reason")
            code = problem.code if problem.code in _AGENTS_CODES else Code.APP_FAILED
            raise SshoreError(problem.detail, code=code, **problem.fields)
        return reply, rest

    async def _first_bytes(self) -> bytes:
        """Wait for an app that speaks before its client does, so that one that cannot is refused in words."""
        self._first = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            self._fail_first()
        else:
            self.transport.resume_reading()
        try:
            await asyncio.wait([self._first], timeout=FIRST_BYTES_S)
        except asyncio.CancelledError:
            self._first.cancel()
            raise
        if self._first.done():
            return self._first.result()
        self.transport.pause_reading()
        return b""

    def data_received(self, data: bytes) -> None:
        if self._first is not None:
            self.transport.pause_reading()
            if not self._first.done():
                self._first.set_result(data)
            return
        if self._answer is None:  # an agent that speaks unasked is no agent of ours
            self.transport.abort()
            return
        self._received += data
        try:
            parts = split_line(self._received)
            if parts:
                _check_text(parts[0])
        except LineError as error:
            self._fail(Unavailable(f"the agent answered nonsense: {error}", code=Code.NO_LINK))
            return
        if parts and not self._answer.done():
            self.transport.pause_reading()
            self._answer.set_result(parts)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(LinkLost())
        self._fail_first()
        self._on_lost(self)

    def _fail_first(self) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_exception(
                EngineFailed(
                    "the app ended before its first word; what it said is in the session's log (sshore logs)",
                    code=Code.APP_FAILED,
                )
            )

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _check_text(reply: dict[str, Any]) -> None:
    """Refuse what JSON can say and no answer of ours: half a character (a lone surrogate).

    Raises:
        LineError: there is one.
    """
    try:
        json.dumps(reply, ensure_ascii=False).encode()
    except ValueError as error:
        raise LineError("no text") from error
