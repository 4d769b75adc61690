"""The table of parked links, by session."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

from sshore.core.errors import Unavailable
from sshore.core.ids import SessionId
from sshore.gateway.link import Link, LinkLost
from sshore.wire.problems import Code

MAX_PARKED = 64
"""Links one session may park; more are refused, so that no session can eat the server's sockets."""
_ATTEMPTS = 3


class _Berth:
    """What is known of one session's agent: its parked links, and who waits for one."""

    def __init__(self) -> None:
        self.parked: deque[Link] = deque()
        self.waiting: deque[asyncio.Future[Link]] = deque()
        self.linked = asyncio.Event()


class LinkTable:
    """Parked links; implements `core.ports.Links`.

    `patience_s` is how long a stream or a call waits for a link (an agent whose server was restarted is
    back within a second), `answer_s` how long the agent may take to answer.
    """

    def __init__(self, patience_s: float = 10.0, answer_s: float = 30.0) -> None:
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._berths: dict[SessionId, _Berth] = {}

    @property
    def parked_count(self) -> int:
        return sum(len(berth.parked) for berth in self._berths.values())

    def park(self, session_id: SessionId, transport: asyncio.Transport) -> None:
        """Take a connection whose agent has been authorised; it goes to whoever waits longest, or is kept."""
        berth = self._berths.setdefault(session_id, _Berth())
        if len(berth.parked) >= MAX_PARKED:
            transport.close()
            return
        link = Link(transport, lambda lost: self._forget(session_id, lost))
        transport.set_protocol(link)
        berth.linked.set()
        while berth.waiting:
            waiter = berth.waiting.popleft()
            if not waiter.done():
                waiter.set_result(link)
                return
        berth.parked.append(link)

    async def open(self, session_id: SessionId, app: str) -> tuple[asyncio.Transport, bytes]:
        """Open a stream to an app: the agent's transport, reading paused, and the first bytes of the stream.

        Raises:
            Unavailable: no link (``no_link``).
            SshoreError: the agent refused; has the agent's code.
        """
        link, _, rest = await self._ask(session_id, {"open": app})
        return link.transport, rest

    async def call(self, session_id: SessionId, call: str, **arguments: Any) -> dict[str, Any]:
        link, reply, _ = await self._ask(session_id, {"call": call, **arguments})
        link.transport.close()
        return reply

    def is_linked(self, session_id: SessionId) -> bool:
        berth = self._berths.get(session_id)
        return berth is not None and berth.linked.is_set()

    async def wait_linked(self, session_id: SessionId) -> None:
        await self._berths.setdefault(session_id, _Berth()).linked.wait()

    def drop(self, session_id: SessionId) -> None:
        berth = self._berths.pop(session_id, None)
        for link in list(berth.parked) if berth else ():
            link.transport.abort()

    def close(self) -> None:
        """Close every parked link; the agents come back to whoever listens next."""
        for session_id in list(self._berths):
            self.drop(session_id)

    async def _ask(self, session_id: SessionId, message: dict[str, Any]) -> tuple[Link, dict[str, Any], bytes]:
        for _ in range(_ATTEMPTS):
            link = await self._take(session_id)
            with suppress(LinkLost):
                try:
                    async with asyncio.timeout(self._answer_s):
                        return link, *await link.ask(message)
                except TimeoutError as error:
                    raise Unavailable("the session's agent does not answer", code=Code.NO_LINK) from error
        raise Unavailable("the session's agent dropped its links", code=Code.NO_LINK)

    async def _take(self, session_id: SessionId) -> Link:
        berth = self._berths.setdefault(session_id, _Berth())
        while berth.parked:
            link = berth.parked.popleft()
            if not link.transport.is_closing():
                return link
        waiter: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        berth.waiting.append(waiter)
        try:
            async with asyncio.timeout(self._patience_s):
                return await waiter
        except TimeoutError as error:
            self._put_back(berth, waiter)
            raise Unavailable(
                "the session's agent is not in touch with the gateway; it may be restarting: try again",
                code=Code.NO_LINK,
            ) from error
        except asyncio.CancelledError:
            self._put_back(berth, waiter)
            raise

    @staticmethod
    def _put_back(berth: _Berth, waiter: asyncio.Future[Link]) -> None:
        """Keep a link that came in the very moment its waiter gave up."""
        if waiter.done() and not waiter.cancelled():
            berth.parked.append(waiter.result())

    def _forget(self, session_id: SessionId, link: Link) -> None:
        berth = self._berths.get(session_id)
        if berth is None:
            return
        with suppress(ValueError):  # a link that was taken is no longer parked
            berth.parked.remove(link)
            if not berth.parked:
                berth.linked.clear()
