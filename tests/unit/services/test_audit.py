"""The audit: what is written of streams, who may read it, and what happens when it cannot be written."""

import asyncio
from collections.abc import Collection

import pytest
from world import World

from sshore.core.audit import StreamEnd, StreamRecord
from sshore.core.errors import Forbidden, InvalidInput, Unavailable
from sshore.core.ids import SessionId, StreamId, UserId
from sshore.core.sessions import StreamGrant
from sshore.core.users import User
from sshore.services.audit import Audit

pytestmark = pytest.mark.anyio


@pytest.fixture
def audit(world: World) -> Audit:
    return Audit(world.store, world.clock)


def opened(audit: Audit, user: User, session: str = "demo") -> StreamId:
    grant = StreamGrant(SessionId(f"id-{session}"), user.name, user.id, session=session)
    return audit.opened(grant, "ssh", "192.0.2.7", "sshore/1 (laptop)\x1b[31m")


async def test_a_stream_is_told_from_its_opening_to_its_end(world: World, audit: Audit) -> None:
    stream = opened(audit, world.admin)
    (record,) = await audit.list(world.admin)
    assert (record.user, record.session, record.app, record.address) == ("admin", "demo", "ssh", "192.0.2.7")
    assert record.client == "sshore/1 (laptop)?[31m"
    assert record.ended_at is None and record.end is None
    world.clock.advance(minutes=3)
    audit.ended(stream, 10, 5 << 30, StreamEnd.BROKEN)
    (record,) = await audit.list(world.admin)
    assert record.ended_at is not None and (record.ended_at - record.started_at).total_seconds() == 180
    assert (record.bytes_in, record.bytes_out, record.end) == (10, 5 << 30, StreamEnd.BROKEN)


async def test_short_streams_are_written_by_one_statement(world: World, audit: Audit) -> None:
    audit.ended(opened(audit, world.admin), 1, 2, StreamEnd.CLOSED)
    (record,) = await audit.list(world.admin)
    assert record.end is StreamEnd.CLOSED


async def test_users_see_their_own_streams_and_admins_all(world: World, audit: Audit) -> None:
    bob = await world.member("bob")
    opened(audit, world.admin, "mine")
    world.clock.advance(seconds=1)
    opened(audit, bob, "his")
    assert [record.session for record in await audit.list(world.admin)] == ["his", "mine"]
    assert [record.session for record in await audit.list(world.admin, user="bob")] == ["his"]
    assert [record.session for record in await audit.list(world.admin, user="admin")] == ["mine"]
    for own in (await audit.list(bob), await audit.list(bob, user="bob")):
        assert [record.session for record in own] == ["his"]
    assert await audit.list(bob, session="mine") == await audit.list(bob, session="id-mine") == []
    with pytest.raises(Forbidden):
        await audit.list(bob, user="admin")


async def test_a_new_user_of_an_old_name_sees_nothing_of_the_old_ones(world: World, audit: Audit) -> None:
    bob = await world.member("bob")
    opened(audit, bob)
    await audit.flush()
    await world.store.users.remove(bob.id)
    assert await audit.list(await world.member("bob")) == []
    assert [record.user_id for record in await audit.list(world.admin, user="bob")] == [bob.id]


async def test_streams_are_chosen_by_session_time_and_number(world: World, audit: Audit) -> None:
    for name in ("one", "two", "one"):
        opened(audit, world.admin, name)
        world.clock.advance(hours=1)
    assert (
        len(await audit.list(world.admin, session="one")) == len(await audit.list(world.admin, session="id-one")) == 2
    )
    assert len(await audit.list(world.admin, since_s=3600)) == 1
    assert len(await audit.list(world.admin, limit=2)) == 2
    with pytest.raises(InvalidInput):
        await audit.list(world.admin, limit=0)


async def test_what_a_killed_server_left_open_is_ended_by_the_next(world: World, audit: Audit) -> None:
    opened(audit, world.admin)
    await audit.flush()
    world.clock.advance(hours=1)
    next_one = Audit(world.store, world.clock)
    await next_one.begin()
    (record,) = await next_one.list(world.admin)
    assert (record.end, record.ended_at) == (StreamEnd.SERVER_ENDED, world.clock.now())


async def test_old_records_are_forgotten_open_ones_never(world: World) -> None:
    audit = Audit(world.store, world.clock, keep_days=30)
    audit.ended(opened(audit, world.admin, "old"), 0, 0, StreamEnd.CLOSED)
    opened(audit, world.admin, "old-but-open")
    world.clock.advance(days=20)
    opened(audit, world.admin, "young")
    await audit.flush()
    world.clock.advance(days=11)
    assert await audit.prune() == 1
    assert [record.session for record in await audit.list(world.admin)] == ["young", "old-but-open"]


async def test_nothing_is_lost_while_the_database_does_not_answer(
    world: World, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = world.store.streams.write

    async def refuse(opened: Collection[StreamRecord], ended: Collection[StreamRecord]) -> None:
        raise Unavailable("the database cannot be used")

    first = opened(audit, world.admin)
    await audit.flush()
    monkeypatch.setattr(world.store.streams, "write", refuse)
    audit.ended(first, 1, 2, StreamEnd.CLOSED)
    second = opened(audit, world.admin, "second")
    with pytest.raises(Unavailable):
        await audit.list(world.admin)
    audit.ended(second, 3, 4, StreamEnd.REVOKED)
    await audit.close()  # a server that stops then says so in its log
    monkeypatch.setattr(world.store.streams, "write", write)
    assert {record.end for record in await audit.list(world.admin)} == {StreamEnd.CLOSED, StreamEnd.REVOKED}


async def test_streams_are_written_without_being_asked_for(world: World, audit: Audit) -> None:
    other = Audit(world.store, world.clock)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(audit.run())
        audit.ended(opened(audit, world.admin), 1, 2, StreamEnd.CLOSED)
        while not await other.list(world.admin):
            await asyncio.sleep(0)
        running.cancel()


async def test_a_folders_stream_is_told_by_its_name(world: World, audit: Audit) -> None:
    audit.opened(StreamGrant(SessionId("f"), "admin", UserId("u"), folder="ann/data"), "sftp", "", "")
    (record,) = await audit.list(world.admin)
    assert record.session == "folder:ann/data"
