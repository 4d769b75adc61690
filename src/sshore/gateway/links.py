"""The table of parked links, by session."""

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic
from typing import Any

from sshore.core.errors import Unavailable
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import LinkGrant
from sshore.gateway.link import Link, LinkLost
from sshore.wire.problems import Code

_ALWAYS = 2
"""Links that each session may park, however many its owner's others have: enough for its agent to be in touch."""
_ATTEMPTS = 3
_BELIEVED_S = 1.0
"""So long a token is believed to be whose it was, of an agent that has all the links it may have, and dials more."""
_REPLACED_WITHIN_S = 3.0
"""An agent whose last link was taken parks another within milliseconds; so long it is taken to be there."""


class _Berth:
    """What is known of one session's agent: its parked links, and who waits for one."""

    def __init__(self) -> None:
        self.parked: deque[Link] = deque()
        self.waiting: deque[asyncio.Future[Link]] = deque()
        self.arrived = asyncio.Event()
        self.owner_id: UserId | None = None
        self.watchers = 0
        """How many wait for `arrived`."""
        self.emptied_at = float("-inf")
        """When the last parked link was taken, which an agent that lives replaces."""

    @property
    def is_idle(self) -> bool:
        return not self.parked and not self.waiting and not self.watchers


class LinkTable:
    """Parked links; implements `core.ports.Links`.

    `most_by_owner` is how many links all sessions of one owner may park together, but for each one's first two: no
    owner is to have all of the server's sockets. `patience_s` is how long a stream or a call waits for a link (an
    agent whose server was restarted is back within a second), `answer_s` how long the agent may take to answer.
    """

    def __init__(self, patience_s: float = 10.0, answer_s: float = 30.0, most_by_owner: int = 1024) -> None:
        self._patience_s = patience_s
        self._answer_s = answer_s
        self._most_by_owner = most_by_owner
        self._berths: dict[SessionId, _Berth] = {}
        self._refused: dict[str, tuple[LinkGrant, float]] = {}

    def __len__(self) -> int:
        """Sessions of which there is a link, or for which somebody waits."""
        return len(self._berths)

    @property
    def parked_count(self) -> int:
        return sum(len(berth.parked) for berth in self._berths.values())

    def check(self, grant: LinkGrant, token: str = "") -> None:
        """Let an agent, known by its token, park one more link.

        Raises:
            Unavailable: its session, or its owner, has as many as may be.
        """
        try:
            self._check(grant)
        except Unavailable:
            self._refused[token] = grant, monotonic()
            raise

    def check_again(self, token: str) -> None:
        """Refuse without looking up whose the token is what was refused in the last moment, and would be now.

        Raises:
            Unavailable: as `check`.
        """
        if token in self._refused:
            grant, at_s = self._refused[token]
            if monotonic() - at_s < _BELIEVED_S:
                self._check(grant)
            del self._refused[token]

    def _check(self, grant: LinkGrant) -> None:
        berth = self._berths.get(grant.session_id)
        parked = len(berth.parked) if berth is not None else 0
        if grant.most is not None and parked >= grant.most:
            raise Unavailable(f"the session has {parked} links parked, and its allowance is {grant.most}")
        if parked >= _ALWAYS and self._parked_by(grant.owner_id) >= self._most_by_owner:
            raise Unavailable(f"the sessions of one owner may park {self._most_by_owner} links, and have")

    def _parked_by(self, owner_id: UserId) -> int:
        return sum(len(berth.parked) for berth in self._berths.values() if berth.owner_id == owner_id)

    def park(self, grant: LinkGrant, transport: asyncio.Transport) -> None:
        """Take a connection whose agent has been authorised; it goes to whoever waits longest, or is kept."""
        session_id = grant.session_id
        berth = self._berths.setdefault(session_id, _Berth())
        berth.owner_id = grant.owner_id
        link = Link(transport, lambda lost: self._forget(session_id, lost))
        transport.set_protocol(link)
        berth.arrived.set()
        berth.arrived.clear()
        while berth.waiting:
            waiter = berth.waiting.popleft()
            if not waiter.done():
                waiter.set_result(link)
                berth.emptied_at = monotonic()
                return
        berth.parked.append(link)

    async def open(self, session_id: SessionId, app: str, **wishes: str) -> tuple[asyncio.Transport, bytes]:
        """Open a stream to an app: the agent's transport, reading paused, and the first bytes of the stream. Of
        `wishes` an agent takes no notice where it is too old to know them.

        Raises:
            Unavailable: no link (``no_link``).
            SshoreError: the agent refused; has the agent's code.
        """
        link, _, rest = await self._ask(session_id, {"open": app, **wishes})
        return link.transport, rest

    async def call(self, session_id: SessionId, call: str, **arguments: Any) -> dict[str, Any]:
        link, reply, _ = await self._ask(session_id, {"call": call, **arguments})
        link.transport.close()
        return reply

    def is_linked(self, session_id: SessionId) -> bool:
        berth = self._berths.get(session_id)
        return berth is not None and (bool(berth.parked) or monotonic() - berth.emptied_at < _REPLACED_WITHIN_S)

    async def wait_linked(self, session_id: SessionId) -> None:
        if self.is_linked(session_id):
            return
        berth = self._berths.setdefault(session_id, _Berth())
        berth.watchers += 1
        try:
            await berth.arrived.wait()
        finally:
            berth.watchers -= 1
            self._tidy(session_id)

    def drop(self, session_id: SessionId) -> None:
        berth = self._berths.get(session_id)
        if berth is None:
            return
        berth.emptied_at = float("-inf")
        parked, waiting = list(berth.parked), list(berth.waiting)
        berth.parked.clear()
        berth.waiting.clear()
        for link in parked:
            link.transport.abort()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(Unavailable("the session has ended", code=Code.NO_LINK))
        self._tidy(session_id)

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
                berth.emptied_at = monotonic()
                return link
        waiter: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        berth.waiting.append(waiter)
        try:
            async with asyncio.timeout(self._patience_s):
                return await waiter
        except TimeoutError as error:
            self._give_up(session_id, berth, waiter)
            raise Unavailable(
                "the session's agent is not in touch with the gateway; it may be restarting: try again",
                code=Code.NO_LINK,
            ) from error
        except asyncio.CancelledError:
            self._give_up(session_id, berth, waiter)
            raise

    def _give_up(self, session_id: SessionId, berth: _Berth, waiter: "asyncio.Future[Link]") -> None:
        """Wait no longer, and keep a link that came in that very moment."""
        if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            berth.parked.append(waiter.result())
        with suppress(ValueError):
            berth.waiting.remove(waiter)
        self._tidy(session_id)

    def _forget(self, session_id: SessionId, link: Link) -> None:
        berth = self._berths.get(session_id)
        if berth is None:
            return
        with suppress(ValueError):  # a link that was taken is no longer parked
            berth.parked.remove(link)
        if not berth.parked:
            self._tidy(session_id)

    def _tidy(self, session_id: SessionId) -> None:
        """Keep no berth of a session of which nothing is there, and nobody waits for anything."""
        berth = self._berths.get(session_id)
        if berth is not None and berth.is_idle and not self.is_linked(session_id):
            del self._berths[session_id]
