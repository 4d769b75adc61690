"""Images: whose they are, who may remove them and log in to registries; what a session's start says of its image."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from world import World

from fakes.images import image
from sshore.core.errors import Conflict, EngineFailed, Forbidden, InvalidInput, NotFound
from sshore.core.images import PullProgress
from sshore.core.sessions import ImageFacts
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.images import ImageService
from sshore.services.pulls import Pulls
from sshore.services.sessions.setup import NewSession

pytestmark = pytest.mark.anyio


async def refs(world: World, user: User) -> list[str]:
    return [listed.ref for listed in await world.images.list(user)]


async def test_a_committed_image_is_its_owners_and_the_admins(world: World) -> None:
    ann, bob = await world.member("ann"), await world.member("bob")
    world.image_store.images += [image("debian:12"), image("closed:1", allowed=False)]
    session = await world.run(ann, "box")
    made = await world.images.commit(ann, session, "mine", pause=True)
    assert (made.ref, made.owner) == ("mine:latest", "ann")
    assert await refs(world, ann) == ["debian:12", "mine:latest"]
    assert await refs(world, bob) == ["debian:12"]
    assert await refs(world, world.admin) == ["debian:12", "closed:1", "ann/mine:latest"]


async def test_only_the_owner_and_admins_remove_it(world: World) -> None:
    ann, bob = await world.member("ann"), await world.member("bob")
    world.image_store.images.append(image("debian:12"))
    made = await world.images.commit(ann, await world.run(ann, "box"), "mine", pause=True)
    for ref in ("mine", "ann/mine:latest", made.image.id, made.image.id[:19]):
        with pytest.raises(NotFound):
            await world.images.remove(bob, ref)
    with pytest.raises(Forbidden, match="only admins"):
        await world.images.remove(ann, "debian:12")
    world.image_store.in_use.add("mine:latest")
    with pytest.raises(Conflict, match="in use"):
        await world.images.remove(ann, "mine")
    world.image_store.in_use.clear()
    await world.images.remove(world.admin, "ann/mine")
    assert await refs(world, ann) == ["debian:12"]


async def test_it_takes_no_name_of_everybodys(world: World) -> None:
    ann = await world.member("ann")
    world.image_store.images.append(image("debian:12"))
    session = await world.run(ann, "box")
    with pytest.raises(Conflict, match="not yours"):
        await world.images.commit(ann, session, "debian:12", pause=True)
    await world.images.commit(ann, session, "debian:mine", pause=True)
    await world.images.commit(ann, session, "debian:mine", pause=True)  # its own place


async def test_an_engine_without_images_says_where_things_belong(world: World) -> None:
    ann = await world.member("ann")
    none = ImageService(world.store, {}, world.allowances, Pulls(world.allowances))
    with pytest.raises(InvalidInput, match="belongs into its home or a folder"):
        await none.commit(ann, await world.run(ann, "box"), "mine", pause=True)
    assert (await none.list(ann), none.engines) == ([], [])
    with pytest.raises(InvalidInput, match="no engine of this server has images"):
        await anext(none.pull(ann, "debian:12"))


async def test_the_list_counts_ones_own_sessions(world: World) -> None:
    ann, bob = await world.member("ann"), await world.member("bob")
    world.image_store.images.append(image("debian:latest"))
    await world.run(ann, "one", image="debian")
    await world.run(ann, "two", image="debian:latest")
    assert [it.sessions for it in await world.images.list(ann)] == [2]
    assert [it.sessions for it in await world.images.list(bob)] == [0]


async def test_logins_at_registries_are_the_admins(world: World) -> None:
    bob = await world.member("bob")
    world.image_store.accepted.add("right")
    for act in (
        world.images.log_in(bob, "ghcr.io", "x", "right"),
        world.images.log_out(bob, "ghcr.io"),
        world.images.logins(bob),
    ):
        with pytest.raises(Forbidden):
            await act
    with pytest.raises(EngineFailed):
        await world.images.log_in(world.admin, "ghcr.io", "x", "wrong")
    await world.images.log_in(world.admin, "https://ghcr.io", "x", "right")
    (login,) = await world.images.logins(world.admin)
    assert (login.registry, login.username) == ("ghcr.io", "x")
    await world.images.log_out(world.admin, "ghcr.io")
    with pytest.raises(NotFound, match="keeps no login"):
        await world.images.log_out(world.admin, "ghcr.io")


async def test_a_removed_users_images_go_as_far_as_nobody_uses_them(world: World) -> None:
    ann = await world.member("ann")
    session = await world.run(ann, "box")
    for name in ("one", "two"):
        await world.images.commit(ann, session, name, pause=True)
    world.image_store.in_use.add("two:latest")
    await world.users.remove(world.admin, "ann", with_data=True)
    assert [it.name for it in world.image_store.images] == ["two:latest"]


async def test_an_engine_that_does_not_answer_keeps_no_user_from_being_removed(world: World) -> None:
    ann = await world.member("ann")
    world.image_store.is_down = True
    await world.users.remove(world.admin, "ann", with_data=True)
    assert await world.store.users.get(ann.id) is None


async def test_a_session_knows_what_it_was_started_from(world: World) -> None:
    ann = await world.member("ann")
    world.engine.image = ImageFacts(id="sha256:1", digest="debian@sha256:a")
    session = await world.run(ann, "box", image="debian")
    assert (session.image_id, session.image_digest, session.previous_image_id) == ("sha256:1", "debian@sha256:a", "")
    assert world.engine.machine.sessions[session.id].spec.image_id == "sha256:1"
    world.engine.image = ImageFacts(id="sha256:2")
    for before in ("sha256:1", ""):  # the start after the tag has moved, and the one after that
        await world.sessions.stop(session)
        session = await world.sessions.start(await world.session(ann, "box"), wait_s=5)
        assert (session.image_id, session.previous_image_id) == ("sha256:2", before)


async def test_a_pull_is_watched_step_by_step(world: World) -> None:
    ann = await world.member("ann")
    seen = asyncio.Event()

    async def steps() -> AsyncIterator[PullProgress]:
        for done in (1, 10):
            yield PullProgress("debian", 2, 0, done, 10)
            await seen.wait()
            seen.clear()

    world.engine.pull = steps()
    session = await world.sessions.create(ann, NewSession("box", world.engine.name, "debian"), 5, seen="")
    for done in (1, 10):
        pull = world.sessions.pull(session)
        assert (pull and pull.done_bytes, session.state) == (done, SessionState.STARTING)
        seen.set()
        session = await world.sessions.settled(session, 5, seen=pull.phrase if pull else "")
    session = await world.sessions.settled(session, 5)
    assert (session.state, world.sessions.pull(session)) == (SessionState.RUNNING, None)
