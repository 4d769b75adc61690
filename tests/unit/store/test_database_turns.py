"""Whoever asks for much at once waits behind himself."""

import asyncio

import pytest

from sshore.core.callers import KnownCallers, caller
from sshore.core.errors import Unavailable
from sshore.core.ids import UserId
from sshore.store.turns import Turns

pytestmark = pytest.mark.anyio
CONNECTIONS = 5
"""There are so many, given in the order in which they are asked for."""


async def served_in_order(*whose: str | None) -> list[str | None]:
    """In which order tasks of these callers, which begin one after the other, are done."""
    turns, connections, served = Turns(), asyncio.Semaphore(CONNECTIONS), []

    async def ask(name: str | None) -> None:
        caller.set(name)
        async with turns.take(), connections:
            await asyncio.sleep(0)
            served.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in whose:
            tasks.create_task(ask(name))
    return served


async def test_a_neighbour_of_whoever_asks_for_much_waits_for_two_of_it() -> None:
    order = await served_in_order(*["worst"] * 500, "ann", "ann")
    assert order.index("ann") <= 4 and order.count("worst") == 500


async def test_what_the_server_does_by_itself_needs_no_turn() -> None:
    assert (await served_in_order(*["worst"] * 500, None)).index(None) <= 4


async def test_whoever_has_a_turn_takes_no_second_one() -> None:
    turns = Turns()
    caller.set("ann")

    async def nested() -> None:
        async with turns.take():
            await asyncio.sleep(0)
            async with turns.take():
                pass

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(nested())


def test_strangers_wait_together_until_they_are_known() -> None:
    callers = KnownCallers(2)
    for made_up in ("one", "two"):
        with callers.coming(made_up):
            assert caller.get() == "strangers"
    callers.are_known("one", UserId("ann"))
    assert caller.get() == "ann"
    with callers.coming("two"):
        assert caller.get() == "strangers"
    with callers.coming("one"):
        assert caller.get() == "ann"


def test_so_many_of_one_caller_wait_to_be_known_and_no_more() -> None:
    callers = KnownCallers(2)
    callers.are_known("one", UserId("ann"))
    with callers.coming("one"), callers.coming("one"):
        with pytest.raises(Unavailable, match="2 requests like this one wait already"), callers.coming("one"):
            pass
        with callers.coming("made up"):
            assert caller.get() == "strangers"
    with callers.coming("one"):
        assert caller.get() == "ann"
