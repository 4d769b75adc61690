"""What a user may have: sessions, what they use together, how long each may run; and who waits for whom."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from world import World, open_world

from fakes.engine import FakeEngine, FakeMachine
from sshore.core.choices import Role
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound, QuotaExceeded
from sshore.core.sessions import Capacity, Resources, Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio


async def allow(world: World, name: str, **limits: float | None) -> None:
    await world.allowances.change(world.admin, name, limits, [])
    world.lifecycle.place()


async def until(world: World, owner: User, name: str, state: SessionState) -> Session:
    async with asyncio.timeout(5):
        while (session := await world.session(owner, name)).state is not state:
            await asyncio.sleep(0.005)
    return session


async def test_no_more_sessions_than_allowed_and_the_refusal_names_them(world: World) -> None:
    ann = await world.member("ann")
    await allow(world, "ann", sessions=2)
    for name in ("one", "two"):
        await world.run(ann, name)
    with pytest.raises(QuotaExceeded, match=r"allowance of sessions is 2; you have one, two: remove one") as refusal:
        await world.run(ann, "three")
    assert refusal.value.problem.code is Code.ALLOWANCE_EXCEEDED
    await world.sessions.remove(await world.session(ann, "one"), force=True)
    assert (await world.run(ann, "three")).state is SessionState.RUNNING


async def test_several_at_once_are_not_one_too_many(world: World) -> None:
    ann = await world.member("ann")
    await allow(world, "ann", sessions=1)

    async def make(name: str) -> None:
        with suppress(QuotaExceeded):
            await world.run(ann, name)

    async with asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(make(f"s{number}"))
    assert len(await world.sessions.list(ann, everyone=False)) == 1


async def test_a_session_waits_for_its_owners_allowance_and_keeps_nobody_else(world: World) -> None:
    ann = await world.member("ann")
    await allow(world, "ann", cpus=2.0)
    await world.run(ann, "first", resources=Resources(cpus=2))
    waiting = await world.run(ann, "second", resources=Resources(cpus=1))
    assert waiting.reason == "waits for 1 CPU (0 of 2 are free) of its owner's allowance, which first uses"
    assert (await world.run(world.admin, "other", resources=Resources(cpus=2))).state is SessionState.RUNNING
    await world.sessions.stop(await world.session(ann, "first"))
    await until(world, ann, "second", SessionState.RUNNING)


async def test_a_larger_allowance_lets_what_waits_start(world: World) -> None:
    ann = await world.member("ann")
    await allow(world, "ann", cpus=1.0)
    await world.run(ann, "first", resources=Resources(cpus=1))
    assert (await world.run(ann, "second", resources=Resources(cpus=1))).state is SessionState.PENDING
    await allow(world, "ann", cpus=2.0)
    assert (await until(world, ann, "second", SessionState.RUNNING)).reason == ""


async def test_what_can_never_be_is_refused_when_it_is_made_and_when_it_starts(world: World) -> None:
    ann = await world.member("ann")
    session = await world.run(ann, "demo", resources=Resources(cpus=3))
    await world.sessions.stop(session)
    await allow(world, "ann", cpus=2.0, ttl_s=3600.0, idle_timeout_s=60.0)
    with pytest.raises(QuotaExceeded, match="'demo' wants 3 CPUs, and your allowance is 2"):
        await world.sessions.start(await world.session(ann, "demo"), 5)
    with pytest.raises(QuotaExceeded, match="'more' wants 3 CPUs, and your allowance is 2"):
        await world.run(ann, "more", resources=Resources(cpus=3))
    with pytest.raises(QuotaExceeded, match="allowance of --ttl is 1h"):
        await world.run(ann, "long", ttl_s=7200.0)
    await allow(world, "ann", cpus=None)
    again = await world.sessions.start(await world.session(ann, "demo"), 5)
    assert (again.state, again.ttl_s, again.idle_timeout_s) == (SessionState.RUNNING, 3600.0, 60.0)
    with pytest.raises(QuotaExceeded, match="allowance of --idle-timeout is 1m"):
        await world.sessions.change(ann, again, idle_timeout_s=0, ttl_s=None)
    assert (await world.sessions.change(world.admin, again, idle_timeout_s=0, ttl_s=None)).idle_timeout_s is None


async def test_a_session_that_says_nothing_has_a_part_of_the_allowance(world: World) -> None:
    ann = await world.member("ann")
    await allow(world, "ann", cpus=2.0, memory_bytes=1 << 30, pids=100)
    assert (await world.run(ann, "demo")).resources == Resources(cpus=0.5, memory_bytes=256 << 20, pids=100)
    used = {share.word.field: (share.used, share.most, share.by, share.own) for share in await world.shares.of(ann)}
    assert used["cpus"] == (0.5, 2.0, ("demo",), True)
    assert used["sessions"] == (1, 50, ("demo",), False)
    assert used["pids"] == (None, 100, (), True)


async def test_whoever_uses_less_is_next_and_whoever_has_waited_long_before_all(tmp_path: Path) -> None:
    engine = FakeEngine(FakeMachine(), capacity=Capacity(cpus=4, memory_bytes=1 << 30))
    async with open_world(tmp_path, engine.machine, engine) as world:
        ann, bob = await world.member("ann"), await world.member("bob")
        for name in ("a1", "a2"):
            await world.run(ann, name, resources=Resources(cpus=2))
        assert (await world.run(ann, "a3", resources=Resources(cpus=2))).state is SessionState.PENDING
        assert (await world.run(bob, "b1", resources=Resources(cpus=2))).state is SessionState.PENDING
        await world.sessions.stop(await world.session(ann, "a1"))
        await until(world, bob, "b1", SessionState.RUNNING)
        assert (await world.run(bob, "b2", resources=Resources(cpus=2))).state is SessionState.PENDING
        world.clock.advance(minutes=11)
        cid = await world.member("cid")
        assert (await world.run(cid, "c1", resources=Resources(cpus=2))).state is SessionState.PENDING
        await world.sessions.stop(await world.session(bob, "b1"))
        await until(world, ann, "a3", SessionState.RUNNING)


async def test_allowances_are_for_admins_to_give_and_outlive_the_server(world: World, tmp_path: Path) -> None:
    ann = await world.member("ann")
    with pytest.raises(Forbidden):
        await world.allowances.change(ann, "ann", {"cpus": None}, [])
    with pytest.raises(InvalidInput, match="streams can be 1024 at most on this server"):
        await world.allowances.change(world.admin, "ann", {"streams": 5000}, [])
    await world.allowances.change(world.admin, "ann", {"cpus": 2.0, "gpus": 1}, [])
    await world.allowances.change(world.admin, "ann", {"sessions": None}, ["gpus"])
    assert await world.store.allowances.get(ann.id) == {"cpus": 2.0, "sessions": None}
    await world.allowances.reset(world.admin, "ann")
    assert (await world.allowances.of(ann)).sessions == 50
    assert (await world.allowances.of(world.admin)).sessions is None


async def test_who_becomes_an_admin_is_bound_no_longer(world: World) -> None:
    ann = await world.member("ann")
    await world.users.change(world.admin, "ann", Role.ADMIN, None)
    assert (await world.allowances.of_owner(ann.id)).sessions is None


async def test_a_home_that_holds_too_much_does_not_start_again_and_show_says_it(world: World) -> None:
    """Where the kernel does not bound it; one of a tmpfs, or of no root, it never does."""
    ann = await world.member("ann")
    session = await world.run(ann, "demo")
    assert await world.homes.use(session) is None
    await allow(world, "ann", home_bytes=1 << 20)
    (world.sessions_directory(session) / "home" / "big").write_bytes(bytes(2 << 20))
    use = await world.homes.use(session)
    assert use is not None and (use.used_bytes or 0) > use.most_bytes == 1 << 20 and use.not_held
    assert (await world.session(ann, "demo")).state is SessionState.RUNNING
    stopped = await world.sessions.stop(session)
    with pytest.raises(QuotaExceeded, match=r"home of session 'demo' holds 2 MiB, and your allowance of home is 1 MiB"):
        await world.sessions.start(stopped, 5)
    await allow(world, "ann", home_bytes=None)
    assert (await world.sessions.start(stopped, 5)).state is SessionState.RUNNING


async def test_show_waits_for_no_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await world.member("ann")
    await allow(world, "ann", home_bytes=1 << 20, folder_bytes=1 << 20)
    session = await world.run(ann, "demo")
    for module in ("homes", "shares"):
        monkeypatch.setattr(f"sshore.services.sessions.{module}.PATIENCE_S", 0)
    use = await world.homes.use(session)
    assert use is not None and (use.used_bytes, use.most_bytes) == (None, 1 << 20)
    shares = {share.word.name: share for share in await world.shares.of(ann)}
    assert (shares["folders"].used, shares["folders"].most) == (None, 1 << 20)


async def test_what_the_folders_may_hold_is_an_allowance(world: World) -> None:
    ann = await world.member("ann")
    await world.folders.create(ann, "data")
    await world.folders.usage.set_quota(world.admin, "ann", 1 << 20)
    assert await world.store.allowances.get(ann.id) == {"folder_bytes": 1 << 20}
    await allow(world, "ann", folder_bytes=2 << 20)
    usage = await world.folders.usage.of(ann)
    assert usage.quota_bytes == 2 << 20
    shares = {share.word.name: share for share in await world.shares.of(ann)}
    assert (shares["folders"].used, shares["folders"].most) == (usage.used_bytes, 2 << 20)
    await world.allowances.change(world.admin, "ann", {}, ["folder_bytes"])
    assert await world.folders.usage.room_bytes(ann.id) is None


async def test_a_groups_allowance_holds_between_the_users_own_and_the_servers_default(world: World) -> None:
    ann, admin = await world.member("ann"), world.admin
    for name, cpus in (("lab", 4.0), ("course", 2.0)):
        await world.groups.create(admin, name)
        await world.groups.change(admin, name, {"cpus": cpus, "sessions": 1}, [])
    assert (await world.allowances.of(ann)).sessions == 50
    await world.groups.join(admin, "course", "ann")
    await world.groups.join(admin, "course", "ann")
    await world.run(ann, "one")
    with pytest.raises(QuotaExceeded, match="allowance of sessions is 1; you have one"):
        await world.run(ann, "two")
    await world.groups.join(admin, "lab", "ann")
    await world.groups.change(admin, "lab", {"links": 8}, ["sessions"])
    assert await world.allowances.links_of(ann.id) == 8
    await allow(world, "ann", sessions=7)
    shares = {share.word.name: (share.most, share.own, share.group) for share in await world.shares.of(ann)}
    assert [shares[name] for name in ("cpus", "sessions", "links", "streams")] == [
        (4.0, False, "lab"), (7, True, ""), (8, False, "lab"), (512, False, ""),
    ]  # fmt: skip
    await world.groups.leave(admin, "lab", "ann")
    assert (await world.allowances.of(ann)).cpus == 2.0
    await world.groups.remove(admin, "course")
    assert (await world.allowances.of(ann)).cpus is None


async def test_two_changes_at_once_both_hold(world: World) -> None:
    ann, admin = await world.member("ann"), world.admin
    await world.groups.create(admin, "lab")
    async with asyncio.TaskGroup() as requests:
        for field in ("cpus", "gpus", "links", "pids"):
            requests.create_task(world.allowances.change(admin, "ann", {field: 16}, []))
            requests.create_task(world.groups.change(admin, "lab", {field: 16}, []))
    assert len(await world.store.allowances.get(ann.id)) == 4
    assert len((await world.groups.find(admin, "lab")).group.limits) == 4


async def test_groups_are_for_admins_to_make_and_a_slip_is_said(world: World) -> None:
    ann, admin = await world.member("ann"), world.admin
    await world.groups.create(admin, "lab")
    for refused in (
        world.groups.list(ann),
        world.groups.find(ann, "nosuch"),
        world.groups.create(ann, "mine"),
        world.groups.join(ann, "lab", "ann"),
        world.groups.change(ann, "lab", {"cpus": None}, []),
        world.groups.remove(ann, "lab"),
    ):
        with pytest.raises(Forbidden):
            await refused
    with pytest.raises(Conflict):
        await world.groups.create(admin, "lab")
    for slip, said in (
        (world.groups.create(admin, "The Lab"), "no group name"),
        (world.groups.find(admin, "lap"), "no group 'lap'; did you mean lab?"),
        (world.groups.join(admin, "lab", "anne"), "did you mean ann?"),
        (world.groups.leave(admin, "lab", "ann"), "ann is no member of the group 'lab'"),
        (world.groups.change(admin, "lab", {"streams": 5000}, []), "1024 at most on this server"),
    ):
        with pytest.raises((InvalidInput, NotFound), match=said.replace("?", r"\?")):
            await slip
    await world.groups.join(admin, "lab", "ann")
    await world.users.remove(admin, "ann", with_data=False)
    assert (await world.groups.find(admin, "lab")).members == []
