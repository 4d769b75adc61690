"""Turns at what there is little of: of each caller's tasks, few at a time wait among those of others."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakValueDictionary

from sshore.core.callers import caller

_AT_ONCE = 2
_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


class Turns:
    """For the database: its connections are given to those who wait, in the order in which they came."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Go on when it is the caller's turn; at once for the server itself, and for who has one already."""
        whose = caller.get()
        if whose is None or _has_turn.get():
            yield
            return
        async with self._turns.setdefault(whose, asyncio.Semaphore(_AT_ONCE)):
            before = _has_turn.set(True)
            try:
                yield
            finally:
                _has_turn.reset(before)
