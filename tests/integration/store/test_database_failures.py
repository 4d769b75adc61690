"""What goes wrong with a database, in words that say what to do, and never with its password."""

import asyncio
from pathlib import Path

import pytest

from integration.postgresql import PASSWORD, PostgresServer, postgresql
from sshore.core.errors import Conflict, InvalidInput, Unavailable
from sshore.store import server_lock
from sshore.store.database import Database
from sshore.store.store import DatabaseStore
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.replace("/sshore-pg-", "/no-such-"), "No such file"),
        (lambda url: "postgresql://sshore:correct-horse-battery@127.0.0.1:1/db", "127.0.0.1:1/db.*[Rr]efused"),
        (lambda url: url.replace(PASSWORD, "wrong-" + PASSWORD), "password authentication failed"),
        (lambda url: url.replace("/db", "/other"), "does not exist"),
        (lambda url: url + "&sslmode=nonsense", "sslmode"),
        (lambda url: url + "&no_such_option=1", "no_such_option"),
    ],
    ids=["no-socket", "refused", "password", "no-database", "parameter", "unknown-parameter"],
)
async def test_a_database_out_of_reach_says_why(postgres: PostgresServer, change: object, words: str) -> None:
    assert callable(change)
    database = Database(change(postgres.new_database()))
    with pytest.raises(Unavailable, match=words) as refusal:
        await database.migrate()
    assert PASSWORD not in str(refusal.value) and "\n" not in str(refusal.value)
    await database.aclose()


@pytest.mark.parametrize(
    "url", ["", "rubbish", "postgresql:/x", "mysql://ann:s3cret@host/db", "postgresql://h:s3cret/"]
)
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidInput, match="postgresql://USER") as refusal:
        Database(url)
    assert "s3cret" not in str(refusal.value) and refusal.value.__cause__ is None


@pytest.mark.usefixtures("postgres")  # where that is missing, this is skipped or fails as well
async def test_a_restarted_postgresql_costs_no_request_but_those_meanwhile() -> None:
    with postgresql() as server:
        database = Database(server.new_database())
        await database.migrate()
        store = DatabaseStore(database)
        assert await store.users.list() == []
        server.stop()
        with pytest.raises(Unavailable, match="cannot be used"):
            await store.users.list()
        server.start()
        assert await store.users.list() == []
        await database.aclose()


async def test_a_full_disk_is_told_as_one(postgres: PostgresServer, tmp_path: Path) -> None:
    """PostgreSQL says it by an SQLSTATE, which a function of its own can raise as well as the disk."""
    database = Database(postgres.new_database())
    with pytest.raises(Unavailable, match="full: free some space") as refusal:
        async with database.write() as connection:
            await connection.exec_driver_sql("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$")
    assert refusal.value.problem.code is Code.STORAGE_FULL
    await database.aclose()


async def test_a_second_server_on_one_postgresql_is_refused_until_the_first_has_ended(
    postgres: PostgresServer,
) -> None:
    url = postgres.new_database()
    first, second, other = Database(url), Database(url), Database(postgres.new_database())
    async with first.held(), other.held():
        with pytest.raises(Conflict, match="another server runs on the database") as refusal:
            async with second.held():
                pass
        assert PASSWORD not in str(refusal.value)
    async with second.held():
        pass
    for database in (first, second, other):
        await database.aclose()


async def test_the_lock_outlives_a_restart_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where another server has come first meanwhile, this one says so and ends."""
    monkeypatch.setattr(server_lock, "LOOK_EVERY_S", 0.05)
    with postgresql() as own:
        url = own.new_database()
        first, second = Database(url), Database(url)
        async with first.held() as lock:
            assert lock is not None
            async with asyncio.TaskGroup() as tasks:
                looking = tasks.create_task(lock.run())
                await asyncio.to_thread(own.stop)
                await asyncio.to_thread(own.start)
                await until_held(second)
                assert not looking.done()
                looking.cancel()
            await asyncio.to_thread(own.stop)
            await asyncio.to_thread(own.start)
            async with second.held(), asyncio.timeout(30):
                with pytest.raises(Conflict, match="another server runs on the database"):
                    await lock.run()
        for database in (first, second):
            await database.aclose()


async def until_held(database: Database) -> None:
    """Return when another server holds it."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with database.held():
                    await asyncio.sleep(0.01)
            except Conflict:
                return
