"""Turns: bounded, in order, given up only where nobody gets in."""

import asyncio
from collections.abc import Callable

import pytest

from sshore.core.errors import Unavailable
from sshore.proxy.turns import Turns

pytestmark = pytest.mark.anyio

LONG_S = 60.0


class Crowd:
    """Callers that take a turn each and keep it until they are let go."""

    def __init__(self, turns: Turns, group: asyncio.TaskGroup) -> None:
        self._turns, self._group = turns, group
        self.inside: list[int] = []
        self.entered: list[int] = []
        self._doors: dict[int, asyncio.Event] = {}

    def come(self, number: int) -> "asyncio.Task[None]":
        self._doors[number] = asyncio.Event()
        return self._group.create_task(self._call(number))

    def let_go(self, number: int) -> None:
        self._doors[number].set()

    async def _call(self, number: int) -> None:
        async with self._turns:
            self.entered.append(number)
            self.inside.append(number)
            await self._doors[number].wait()
            self.inside.remove(number)


async def settle(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not reached():
            await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_so_many_at_a_time_and_the_first_to_come_first() -> None:
    async with asyncio.TaskGroup() as group:
        crowd = Crowd(Turns(LONG_S, most=3), group)
        for number in range(10):
            crowd.come(number)
        for number in range(10):
            await settle(lambda: number in crowd.inside)  # noqa: B023 - asked within this round
            assert len(crowd.inside) <= 3
            crowd.let_go(number)
    assert crowd.entered == list(range(10))


async def test_who_leaves_the_queue_holds_nobody_up() -> None:
    async with asyncio.TaskGroup() as group:
        crowd = Crowd(Turns(LONG_S, most=1), group)
        crowd.come(0)
        gone = crowd.come(1)
        crowd.come(2)
        await settle(lambda: crowd.inside == [0])
        gone.cancel()
        await asyncio.wait([gone])
        crowd.let_go(0)
        await settle(lambda: crowd.inside == [2])
        crowd.let_go(2)


async def test_a_turn_that_comes_with_the_end_goes_to_the_next() -> None:
    async with asyncio.TaskGroup() as group:
        crowd = Crowd(Turns(LONG_S, most=1), group)
        crowd.come(0)
        gone = crowd.come(1)
        crowd.come(2)
        await settle(lambda: crowd.inside == [0])
        crowd.let_go(0)
        while crowd.inside:  # until the turn has been passed on, and the second one has not seen it yet
            await asyncio.sleep(0)
        gone.cancel()
        await settle(lambda: crowd.inside == [2])
        crowd.let_go(2)
        await asyncio.wait([gone])
    assert crowd.entered in ([0, 2], [0, 1, 2])


async def test_who_waits_for_nothing_gives_up() -> None:
    turns = Turns(0.01, most=1)
    async with turns:
        with pytest.raises(Unavailable):
            async with turns:
                pass
    async with turns:
        pass


async def test_who_sees_others_get_in_waits_on() -> None:
    turns = Turns(0.5, most=1)
    loop = asyncio.get_running_loop()
    began, got_in = loop.time(), asyncio.Event()

    async def wait() -> None:
        async with turns:
            got_in.set()

    async with asyncio.TaskGroup() as group:
        async with turns:
            group.create_task(wait())
            while loop.time() < began + 0.7:
                turns.note_progress()
                await asyncio.sleep(0.01)
        await asyncio.wait_for(got_in.wait(), 5)
