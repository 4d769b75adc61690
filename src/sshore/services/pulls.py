"""Pulls of images: how many of each user run at once. One that a user asks for is refused above that; a session's start
waits for its turn."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from sshore.core.errors import QuotaExceeded
from sshore.core.ids import UserId
from sshore.core.users import User
from sshore.services.people.allowances import Allowances
from sshore.wire.problems import Code


class Pulls:
    """Which images are being pulled for each user."""

    def __init__(self, allowances: Allowances) -> None:
        self._allowances = allowances
        self._running: dict[UserId, list[str]] = {}
        self._waiting: dict[UserId, deque[object]] = {}
        self._changed = asyncio.Event()
        """Set, and replaced, whenever a pull or its place in the line is no longer what it was."""

    def of(self, user_id: UserId) -> Sequence[str]:
        return tuple(self._running.get(user_id, ()))

    @asynccontextmanager
    async def one(self, user: User, image: str) -> AsyncIterator[None]:
        """Count a pull while it runs.

        Raises:
            QuotaExceeded: as many of the user's run as may (``allowance_exceeded``); names them.
        """
        most = (await self._allowances.of(user)).pulls
        running = self.of(user.id)
        if most is not None and len(running) >= most:
            raise QuotaExceeded(
                f"your allowance of pulls is {most}, and as many run: {', '.join(running)}; try again when one has "
                "ended, or an administrator can allow you more (sshore user allow)",
                code=Code.ALLOWANCE_EXCEEDED,
                allowance="pulls",
                most=most,
                used=len(running),
            )
        with self._counted(user.id, image):
            yield

    @asynccontextmanager
    async def turn(self, user_id: UserId, image: str, waits: Callable[[str], Awaitable[None]]) -> AsyncIterator[None]:
        """Wait until a pull of a user's may run, in the order of asking, and count it. `waits` is told for what, if it
        has to."""
        async with AsyncExitStack() as turn:
            with self._queued(user_id) as is_next:
                while (reason := await self._reason(user_id)) or not is_next():
                    changed = self._changed
                    await waits(reason or "an earlier pull of its owner's")
                    if changed is self._changed:
                        await changed.wait()
                turn.enter_context(self._counted(user_id, image))
            yield

    async def _reason(self, user_id: UserId) -> str:
        """Why no further pull of a user's may run; empty when one may."""
        most = (await self._allowances.of_owner(user_id)).pulls
        running = self.of(user_id)
        if most is None or len(running) < most:
            return ""
        return f"its owner's allowance of pulls is {most}, used by {', '.join(running)}"

    @contextmanager
    def _queued(self, user_id: UserId) -> Iterator[Callable[[], bool]]:
        """In the line of a user's pulls; whether it is this one's turn."""
        mine, queue = object(), self._waiting.setdefault(user_id, deque())
        queue.append(mine)
        try:
            yield lambda: queue[0] is mine
        finally:
            queue.remove(mine)
            if not queue:
                del self._waiting[user_id]
            self._tell()

    @contextmanager
    def _counted(self, user_id: UserId, image: str) -> Iterator[None]:
        running = self._running.setdefault(user_id, [])
        running.append(image)
        try:
            yield
        finally:
            running.remove(image)
            if not running:
                del self._running[user_id]
            self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
