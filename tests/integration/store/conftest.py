"""An empty database of either kind, by its URL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from e2e.programs import need_that
from integration.postgresql import PostgresServer, postgresql, programs
from sshore.store.database import Database
from sshore.store.store import DatabaseStore


@pytest.fixture(scope="session", autouse=True)  # before any test, which is to leave no process behind
def postgres_if_installed() -> Iterator[PostgresServer | None]:
    if programs() is None:
        yield None
        return
    with postgresql() as server:
        yield server


@pytest.fixture
def postgres(postgres_if_installed: PostgresServer | None) -> PostgresServer:
    need_that(postgres_if_installed is not None, "PostgreSQL is not installed here")
    assert postgres_if_installed is not None
    return postgres_if_installed


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Migrated to the newest revision."""
    database = Database(database_url)
    await database.migrate()
    yield database
    await database.aclose()


@pytest.fixture
def store(database: Database) -> DatabaseStore:
    return DatabaseStore(database)
