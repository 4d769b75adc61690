"""The database: migrated to what the code expects, with errors that users can act on."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from sshore.core.choices import Role
from sshore.core.errors import Conflict, Unavailable
from sshore.core.ids import UserId
from sshore.core.users import User
from sshore.store.database import Database, sqlite_url
from sshore.store.store import DatabaseStore
from sshore.store.tables import metadata
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(sqlite_url(tmp_path / "test.db"))
    await database.migrate()
    yield database
    await database.aclose()


def user(name: str, host_uid: int) -> User:
    return User(UserId(name), name, Role.MEMBER, host_uid, datetime(2026, 1, 1, 12, tzinfo=UTC))


async def test_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await DatabaseStore(database).users.add(user("ann", 1))
    await database.migrate()
    assert [found.name for found in await DatabaseStore(database).users.list()] == ["ann"]


async def test_an_older_server_leaves_a_newer_database_alone(database: Database) -> None:
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(Conflict, match="was used by a newer server than this"):
        await database.migrate()


async def test_times_come_back_in_utc(database: Database) -> None:
    store = DatabaseStore(database)
    await store.users.add(user("ann", 1))
    found = await store.users.by_name("ann")
    assert found is not None and found.created_at == datetime(2026, 1, 1, 12, tzinfo=UTC)


async def test_a_taken_name_is_said_to_be_taken(database: Database) -> None:
    store = DatabaseStore(database)
    await store.users.add(user("ann", 1))
    with pytest.raises(Conflict, match="user named 'ann'") as refusal:
        await store.users.add(user("ann", 2))
    assert refusal.value.problem.code is Code.NAME_TAKEN


async def test_a_full_disk_is_told_as_one_and_loses_nothing(database: Database) -> None:
    store = DatabaseStore(database)
    await store.users.add(user("ann", 1))
    async with database.read() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable) as refusal:
        for number in range(2, 2000):
            await store.users.add(user(f"user{number}", number))
    assert refusal.value.problem.code is Code.STORAGE_FULL
    assert await store.users.by_name("ann") is not None
