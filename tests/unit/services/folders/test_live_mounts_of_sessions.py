"""Folders mounted in sessions that are there already, and taken away from those who may not have them any more."""

import pytest
from world import World

from fakes.streams import FakeStreams
from sshore.core.errors import Conflict, NotFound
from sshore.core.sessions import Mount, Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.folders.sharing import FolderSharing
from sshore.services.folders.trash import FolderTrash
from sshore.services.sessions.records import SessionRecords
from sshore.store.files import StateFiles
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio

DATA = Mount("data", "/home/work/data")
SHARED = Mount("ann/data", "/home/work/data")


def mounted(world: World, session: Session) -> list[tuple[str, bool]]:
    """Where a running session has folders, and whether only for reading."""
    return [(mount.target, mount.read_only) for mount in world.engine.mounted(session.id)]


async def sharing(world: World) -> tuple[FolderSharing, User, User]:
    """Ann's folder `data`, which Bob may write."""
    ann, bob = await world.member("ann"), await world.member("bob")
    await world.folders.create(ann, "data")
    made = FolderSharing(world.store, world.folders, None, world.clock, world.state)  # type: ignore[arg-type]
    await made.share(ann, "data", "bob", read_only=False)
    return made, ann, bob


async def test_a_running_session_gets_it_at_once_and_a_stopped_one_when_it_starts(world: World) -> None:
    ann = await world.member("ann")
    await world.folders.create(ann, "data")
    running = await world.run(ann, "one")
    assert (await world.live_mounts.mount(ann, running, DATA, at_restart=False)).mounts == (DATA,)
    assert mounted(world, running) == [(DATA.target, False)]
    stopped = await world.sessions.stop(await world.run(ann, "two"))
    await world.live_mounts.mount(ann, stopped, DATA, at_restart=False)
    await world.sessions.start(stopped, wait_s=5)
    assert mounted(world, stopped) == [(DATA.target, False)]


async def test_an_engine_that_cannot_says_how_to_have_it_from_the_next_start_on(world: World) -> None:
    ann = await world.member("ann")
    await world.folders.create(ann, "data")
    session = await world.run(ann, "one")
    world.engine.mounts_at_start_only = True
    with pytest.raises(Conflict, match="--at-restart one") as refusal:
        await world.live_mounts.mount(ann, session, DATA, at_restart=False)
    assert refusal.value.problem.code is Code.LIVE_MOUNT_UNSUPPORTED
    assert (await world.session(ann, "one")).mounts == ()
    changed = await world.live_mounts.mount(ann, session, DATA, at_restart=True)
    assert [mount.live for mount in changed.mounts] == [False]
    assert mounted(world, session) == []
    await world.sessions.stop(session)
    started = await world.sessions.start(await world.session(ann, "one"), wait_s=5)
    assert (started.mounts, mounted(world, session)) == ((DATA,), [(DATA.target, False)])


async def test_what_is_not_mounted_or_not_clear_is_refused(world: World) -> None:
    ann = await world.member("ann")
    for name in ("data", "more", ".ssh"):
        await world.folders.create(ann, name)
    twice = Mount("data", "/again")
    below = Mount("more", "/home/work/data/more")
    session = await world.run(ann, "one", mounts=(DATA, twice, below))
    for what, error in (("dta", NotFound), ("/nowhere", NotFound), (".ssh", NotFound), ("data", Conflict)):
        with pytest.raises(error):
            await world.live_mounts.unmount(ann, session, what, at_restart=False)
    with pytest.raises(Conflict, match="/home/work/data/more"):
        await world.live_mounts.unmount(ann, session, DATA.target, at_restart=False)
    with pytest.raises(Conflict, match="sshore unmount one /again"):
        await world.live_mounts.mount(ann, session, Mount("more", "/again"), at_restart=False)
    changed, in_use = await world.live_mounts.unmount(ann, session, "/again", at_restart=False)
    assert (changed.mounts, in_use) == ((DATA, below), False)


async def test_what_is_no_longer_shared_is_gone_from_others_sessions_only(world: World) -> None:
    made, ann, bob = await sharing(world)
    anns, bobs = await world.run(ann, "one", mounts=(DATA,)), await world.run(bob, "two", mounts=(SHARED,))
    revoked = await made.unshare(ann, "data", "bob")
    assert (revoked.sessions, revoked.stopped) == (1, 0)
    assert (mounted(world, anns), mounted(world, bobs)) == ([(DATA.target, False)], [])
    assert [mount.live for mount in (await world.session(bob, "two")).mounts] == [False]


async def test_a_session_that_cannot_be_freed_from_it_is_stopped(world: World) -> None:
    made, ann, bob = await sharing(world)
    bobs = await world.run(bob, "two", mounts=(SHARED,))
    world.engine.clinging.add(bobs.id)
    revoked = await made.unshare(ann, "data", "bob")
    assert (revoked.sessions, revoked.stopped) == (1, 1)
    stopped = await world.session(bob, "two")
    assert stopped.state is SessionState.STOPPED and "no longer shared" in stopped.reason


async def test_of_two_shares_the_one_that_is_left_holds(world: World) -> None:
    made, ann, bob = await sharing(world)
    await made.share(ann, "data", "", read_only=True)
    bobs = await world.run(bob, "two", mounts=(SHARED,))
    assert mounted(world, bobs) == [(SHARED.target, False)]
    await made.unshare(ann, "data", "bob")
    assert mounted(world, bobs) == [(SHARED.target, True)]
    await made.share(ann, "data", "", read_only=True)
    assert mounted(world, bobs) == [(SHARED.target, True)]
    await world.folders.remove(ann, "data")
    assert mounted(world, bobs) == []


async def test_what_a_killed_server_had_no_time_to_take_away_is_taken_when_the_next_starts(world: World) -> None:
    _, ann, bob = await sharing(world)
    bobs = await world.run(bob, "two", mounts=(SHARED,))
    folder = await world.folders.own(ann, "data")
    await world.live_mounts.run()
    assert mounted(world, bobs) == [(SHARED.target, False)]
    await world.store.folder_shares.remove(folder.id, bob.id)
    await world.live_mounts.run()
    assert mounted(world, bobs) == []


async def test_what_goes_at_the_next_start_is_taken_away_with_the_share(world: World) -> None:
    made, ann, bob = await sharing(world)
    bobs = await world.run(bob, "two", mounts=(SHARED,))
    changed, _ = await world.live_mounts.unmount(bob, bobs, "ann/data", at_restart=True)
    assert [mount.kept for mount in changed.mounts] == [False]
    assert mounted(world, bobs) == [(SHARED.target, False)]
    await made.unshare(ann, "data", "bob")
    assert mounted(world, bobs) == []
    await world.sessions.stop(bobs)
    started = await world.sessions.start(await world.session(bob, "two"), wait_s=5)
    assert (started.state, started.mounts) == (SessionState.RUNNING, ())


async def test_a_folder_can_be_renamed_while_others_have_it(world: World) -> None:
    _, ann, bob = await sharing(world)
    bobs = await world.run(bob, "two", mounts=(SHARED,))
    trash = FolderTrash(
        world.store, StateFiles(world.state), world.folders, SessionRecords(world.store), FakeStreams(), world.clock
    )
    await trash.rename(ann, "data", "facts")
    assert [mount.folder for mount in (await world.session(bob, "two")).mounts] == ["ann/facts"]
    assert mounted(world, bobs) == [(SHARED.target, False)]


async def test_what_others_share_is_not_left_open_unknown_to_us(world: World) -> None:
    _, _, bob = await sharing(world)
    bobs = await world.run(bob, "two", mounts=(SHARED,))
    world.engine.clinging.add(bobs.id)
    with pytest.raises(Conflict, match="in use"):
        await world.live_mounts.unmount(bob, bobs, "ann/data", at_restart=False)
    assert (await world.session(bob, "two")).mounts == (SHARED,)
