"""Openings of one forward wait for their turn, so that a crowd at its port is none at the server.

A server lets few connections stand that have not said yet what they want, and an agent parks few links: more at once
would be dropped or time out there. Each forward has turns of its own, so none waits for another's crowd.
"""

import asyncio
from collections import deque
from types import TracebackType

from sshore.core.errors import Unavailable

MOST_OPENING = 32
"""A round trip of a tenth of a second lets in a hundred connections a second; a server that is near, all it can."""


class Turns:
    """At most `most` at a time, in the order in which they came. `progress_s` is how long a waiter sees nobody get
    in (`note_progress`) before it gives up: who waits behind a thousand is to be served, who waits for nothing is not.

    `async with` is a turn, and raises:
        Unavailable: there was no progress for so long.
    """

    def __init__(self, progress_s: float, most: int = MOST_OPENING) -> None:
        self._progress_s = progress_s
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._progress_at = float("-inf")

    def note_progress(self) -> None:
        self._progress_at = asyncio.get_running_loop().time()

    async def __aenter__(self) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await self._wait(turn)
        except BaseException:
            self._leave(turn)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    async def _wait(self, turn: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not turn.done():
            left_s = max(began, self._progress_at) + self._progress_s - loop.time()
            if left_s <= 0:
                raise Unavailable("the server opens no connection at the moment; try again in a moment")
            await asyncio.wait([turn], timeout=left_s)

    def _leave(self, turn: "asyncio.Future[None]") -> None:
        """Wait no longer; a turn that came in that very moment is the next one's."""
        if turn.done():
            self._pass_on()
        else:
            self._waiting.remove(turn)

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._free += 1
