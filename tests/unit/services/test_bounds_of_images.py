"""What a member may keep of images, and pull at once: refused with the allowance's name, or waited for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from world import World

from sshore.core.errors import QuotaExceeded
from sshore.core.images import PullProgress
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.pulls import Pulls
from sshore.services.sessions.setup import NewSession
from sshore.services.sessions.shares import Share
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio


async def share(world: World, user: User, name: str) -> Share:
    return next(one for one in await world.shares.of(user) if one.word.name == name)


async def test_images_are_counted_and_a_removed_one_gives_its_share_back(world: World) -> None:
    ann = await world.member("ann")
    await world.allowances.change(world.admin, "ann", {"images": 2}, [])
    box = await world.run(ann, "box")
    for name in ("one", "two", "two"):
        await world.images.commit(ann, box, name, pause=True)
    with pytest.raises(QuotaExceeded, match=r"allowance of images is 2; you have one:latest \(1000 B\), two") as no:
        await world.images.commit(ann, box, "three", pause=True)
    assert (no.value.problem.code, no.value.problem.fields["allowance"]) == (Code.ALLOWANCE_EXCEEDED, "images")
    used = await share(world, ann, "images")
    assert (used.used, used.most, used.by) == (2, 2, ("one:latest", "two:latest"))
    await world.images.remove(ann, "one")
    await world.images.commit(ann, box, "three", pause=True)


async def test_bytes_are_counted_and_a_replaced_image_is_not(world: World) -> None:
    ann = await world.member("ann")
    await world.allowances.change(world.admin, "ann", {"image_bytes": 2500}, [])
    box = await world.run(ann, "box")
    for name in ("one", "two"):
        await world.images.commit(ann, box, name, pause=True)
    with pytest.raises(QuotaExceeded, match=r"has 1000 B to keep, and your allowance of image-bytes is 2\.4 KiB"):
        await world.images.commit(ann, box, "three", pause=True)
    world.image_store.size_of_commits = 1500
    await world.images.commit(ann, box, "two", pause=True)
    assert (await share(world, ann, "image-bytes")).used == 2500


async def test_commits_at_once_count_each_other(world: World) -> None:
    ann = await world.member("ann")
    await world.allowances.change(world.admin, "ann", {"images": 1}, [])
    box = await world.run(ann, "box")
    refused = 0

    async def commit(name: str) -> None:
        nonlocal refused
        try:
            await world.images.commit(ann, box, name, pause=True)
        except QuotaExceeded:
            refused += 1

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(commit(f"image-{number}"))
    assert (refused, len(world.image_store.images)) == (4, 1)


async def test_members_are_bounded_without_any_configuration_and_admins_are_not(world: World) -> None:
    ann = await world.member("ann")
    for user, most in ((ann, [20, 50 << 30, 2]), (world.admin, [None, None, None])):
        assert [(await share(world, user, name)).most for name in ("images", "image-bytes", "pulls")] == most


async def test_a_pull_too_many_is_refused_and_names_those_that_run(world: World) -> None:
    ann = await world.member("ann")
    world.image_store.registry.add("third")
    async with AsyncExitStack() as running:
        for name in ("first", "second"):
            steps = world.images.pull(ann, name)
            running.push_async_callback(steps.aclose)
            await anext(steps)
        with pytest.raises(QuotaExceeded, match="allowance of pulls is 2, and as many run: first, second"):
            await anext(world.images.pull(ann, "third"))
        assert (await share(world, ann, "pulls")).by == ("first", "second")
        bob = await world.member("bob")
        assert [step async for step in world.images.pull(bob, "third")]
    assert [step async for step in world.images.pull(ann, "third")]


async def test_a_start_that_pulls_waits_for_its_turn(world: World) -> None:
    ann = await world.member("ann")
    await world.allowances.change(world.admin, "ann", {"pulls": 1}, [])
    running = world.images.pull(ann, "other")
    await anext(running)

    async def pulled() -> AsyncIterator[PullProgress]:
        yield PullProgress("debian")

    world.engine.pull = pulled()
    session = await world.sessions.create(ann, NewSession("box", world.engine.name, "debian"), 5, seen="")
    said = "waits to pull the image debian: its owner's allowance of pulls is 1, used by other"
    waiting = world.sessions.pull(session)
    assert (waiting and waiting.phrase, session.state) == (said, SessionState.STARTING)
    await running.aclose()
    session = await world.sessions.settled(session, 5)
    assert session.state is SessionState.RUNNING
    assert (await share(world, ann, "pulls")).used == 0


async def test_turns_are_in_the_order_of_asking_and_who_goes_leaves_the_line(world: World) -> None:
    ann = await world.member("ann")
    await world.allowances.change(world.admin, "ann", {"pulls": 1}, [])
    pulls, order, go_on = Pulls(world.allowances), list[str](), asyncio.Event()
    asked: list[str] = []

    async def pull(name: str) -> None:
        async def waits(reason: str) -> None:
            asked.append(name)

        async with pulls.turn(ann.id, name, waits):
            order.append(name)
            await go_on.wait()

    async def until(names: Sequence[str]) -> None:
        async with asyncio.timeout(5):
            while not set(names) <= set(asked):
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(pull(name)) for name in ("a", "b", "c", "d")}
        await until("bcd")
        tasks["b"].cancel()
        go_on.set()
    assert (order, pulls.of(ann.id)) == (["a", "c", "d"], ())
