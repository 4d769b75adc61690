"""When kits of former versions are removed."""

from collections.abc import Callable, Collection

import pytest
from world import World

from sshore.core.errors import EngineFailed
from sshore.services.old_kits import OldKits

pytestmark = pytest.mark.anyio


def kept() -> tuple[list[Collection[str]], Callable[[Collection[str]], list[str]]]:
    """What is to be kept is put into a list each time."""
    asked: list[Collection[str]] = []

    def remove(needed: Collection[str]) -> list[str]:
        asked.append(needed)
        return []

    return asked, remove


async def test_what_a_running_session_has_mounted_stays(world: World) -> None:
    asked, remove = kept()
    await world.run(await world.member("ann"), "demo")
    await OldKits(world.store, {"sandbox": world.engine}, remove).prune()
    assert asked == [{"kit"}]


async def test_nothing_goes_while_a_session_runs_of_which_no_engine_can_tell(world: World) -> None:
    """Such as a container's, where the server has started without Docker's daemon."""
    asked, remove = kept()
    ann = await world.member("ann")
    session = await world.run(ann, "demo")
    await OldKits(world.store, {}, remove).prune()
    assert asked == []
    await world.sessions.remove(session, force=True)
    await OldKits(world.store, {}, remove).prune()
    assert asked == [set()]


async def test_nor_where_an_engine_fails_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails() -> set[str]:
        raise EngineFailed("a process has no kit")

    asked, remove = kept()
    monkeypatch.setattr(world.engine, "kits", fails)
    with pytest.raises(EngineFailed):
        await OldKits(world.store, {"sandbox": world.engine}, remove).prune()
    assert asked == []
