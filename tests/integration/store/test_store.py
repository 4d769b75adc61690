"""The store on SQLite and on PostgreSQL: one suite, the same answers."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection

from sshore.core.activity import LastActivity
from sshore.core.choices import KeyType, Network, Role
from sshore.core.errors import Conflict, InvalidInput
from sshore.core.ids import SessionId, TokenId, UserId, new_id
from sshore.core.sessions import Mount, Resources, Session
from sshore.core.states import SessionState
from sshore.core.users import Token, User
from sshore.store.database import Database
from sshore.store.store import DatabaseStore
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def user(name: str, host_uid: int) -> User:
    return User(UserId(name), name, Role.MEMBER, host_uid, NOON)


def session(owner: User, name: str, **fields: object) -> Session:
    made = Session(SessionId(new_id()), owner.id, name, SessionState.PENDING, NOON, "sandbox")
    return dataclasses.replace(made, **fields)  # type: ignore[arg-type]


@pytest.fixture
async def ann(store: DatabaseStore) -> User:
    await store.users.add(user("ann", 1))
    found = await store.users.by_name("ann")
    assert found is not None
    return found


async def test_a_session_comes_back_as_it_was(store: DatabaseStore, ann: User) -> None:
    stored = session(
        ann,
        "demo",
        state=SessionState.RUNNING,
        reason="waits for “room” 방",
        resources=Resources(0.5, 5 << 40, 100, 2),
        network=Network.NONE,
        key_type=KeyType.RSA,
        mounts=(Mount("data", "/data", True),),
        launched=("ssh",),
        started_at=NOON + timedelta(microseconds=123456),
        private_key="-----BEGIN…\n" * 100,
    )
    await store.sessions.add(stored)
    assert await store.sessions.get(stored.id) == stored
    assert await store.sessions.find(ann.id, "demo") == await store.sessions.find(ann.id, stored.id) == stored
    changed = dataclasses.replace(stored, state=SessionState.STOPPED, started_at=None, launched=())
    await store.sessions.update(changed)
    assert await store.sessions.list(ann.id) == await store.sessions.list() == [changed]
    await store.sessions.remove(stored.id)
    assert await store.sessions.get(stored.id) is None


async def test_times_come_back_in_utc_whatever_zone_they_had(store: DatabaseStore, ann: User) -> None:
    seoul = NOON.astimezone(timezone(timedelta(hours=9)))
    token = Token(TokenId("t"), ann.id, "laptop", "0" * 64, seoul, expires_at=seoul + timedelta(hours=1))
    await store.tokens.add(token)
    found = await store.tokens.by_hash("0" * 64)
    assert found is not None
    assert (found[0].created_at, found[0].created_at.tzinfo, found[0].expires_at) == (
        NOON,
        UTC,
        NOON + timedelta(hours=1),
    )
    assert found[1] == ann


async def test_taken_names_are_said_to_be_taken(store: DatabaseStore, ann: User) -> None:
    await store.sessions.add(session(ann, "demo"))
    for again in (store.sessions.add(session(ann, "demo")), store.users.add(user("ann", 2))):
        with pytest.raises(Conflict, match="already") as refusal:
            await again
        assert refusal.value.problem.code is Code.NAME_TAKEN
    bob = user("bob", 2)
    await store.users.add(bob)
    await store.sessions.add(session(bob, "demo"))


async def test_what_the_database_cannot_hold_is_refused_without_quoting_it(store: DatabaseStore, ann: User) -> None:
    """PostgreSQL keeps to the columns' lengths and takes no NUL; SQLite takes both."""
    for name in ("n" * 101, "nul\0"):
        token = Token(TokenId(name[:3]), ann.id, name, f"secret-{name[1]!r}", NOON)
        try:
            await store.tokens.add(token)
        except InvalidInput as refusal:
            assert "secret" not in refusal.problem.detail


async def test_settings_set_at_once_are_all_kept(store: DatabaseStore, ann: User) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(10):
            tasks.create_task(store.users.set_setting(ann.id, f"setting-{number}", "x"))
    found = await store.users.get(ann.id)
    assert found is not None and len(found.settings) == 10
    await store.users.set_setting(ann.id, "setting-0", "")
    found = await store.users.get(ann.id)
    assert found is not None and "setting-0" not in found.settings


async def test_twenty_writers_at_once_neither_lock_nor_lose_anything(store: DatabaseStore, ann: User) -> None:
    sessions = [session(ann, f"s{number}") for number in range(20)]

    async def write(mine: Session) -> None:
        await store.sessions.add(mine)
        for turn in range(50):
            await store.sessions.update(dataclasses.replace(mine, reason=f"turn {turn}"))

    async with asyncio.TaskGroup() as tasks:
        for mine in sessions:
            tasks.create_task(write(mine))
    assert [found.reason for found in await store.sessions.list()] == ["turn 49"] * 20


async def test_two_servers_write_to_one_database(database: Database, database_url: str, ann: User) -> None:
    """On SQLite it is a second process such as a backup's that SQLite's own lock holds for a moment."""
    other = Database(database_url)
    stores = (DatabaseStore(database), DatabaseStore(other))

    async def write(store: DatabaseStore, prefix: str) -> None:
        for number in range(100):
            await store.sessions.add(session(ann, f"{prefix}{number}"))

    try:
        async with asyncio.TaskGroup() as tasks:
            for store, prefix in zip(stores, ("a", "b"), strict=True):
                tasks.create_task(write(store, prefix))
        assert len(await stores[0].sessions.list()) == 200
    finally:
        await other.aclose()


async def test_a_failed_transaction_leaves_nothing(database: Database, ann: User) -> None:
    store = DatabaseStore(database)
    with pytest.raises(Conflict):
        async with database.write() as connection:
            await connection.exec_driver_sql("UPDATE users SET role = 'admin'")
            await connection.exec_driver_sql("INSERT INTO users SELECT * FROM users")
    assert await store.users.get(ann.id) == ann


async def test_indexes_are_used_by_what_every_connection_asks(database: Database) -> None:
    """A token, an agent's token and a session by its owner and name are found without reading all rows."""
    questions = (
        "SELECT * FROM tokens WHERE secret_hash = 'x'",
        "SELECT * FROM sessions WHERE agent_token_hash = 'x'",
        "SELECT * FROM sessions WHERE owner_id = 'x' AND name = 'y'",
    )
    async with database.read() as connection:
        for question in questions:
            assert "SCAN" not in await connection.run_sync(plan, question)


def plan(connection: Connection, question: str) -> str:
    """How the database would answer; "SCAN" in it means by reading a whole table."""
    if connection.dialect.name == "sqlite":
        return "\n".join(str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}"))
    connection.exec_driver_sql("SET enable_seqscan = off")  # an empty table is cheaper to read than its index
    lines = [str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {question}")]
    return "\n".join(lines).replace("Seq Scan", "SCAN").replace("Index Scan", "index").replace("Bitmap Heap Scan", "")


async def test_what_sessions_did_last_is_kept_in_place_of_what_they_did_before(store: DatabaseStore) -> None:
    did = LastActivity(SessionId("s1"), NOON, NOON, NOON, 1 << 40, None, None)
    later = dataclasses.replace(did, active_at=NOON + timedelta(hours=1), moved_at=NOON, cpu_total_s=12.5)
    await store.activities.replace([did, dataclasses.replace(did, session_id=SessionId("s2"))])
    await store.activities.replace([later])
    assert await store.activities.list() == [later]
    await store.activities.replace([])
    assert await store.activities.list() == []
