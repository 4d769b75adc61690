"""The database: connections, transactions, migrations, and what its errors mean."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sshore import __version__
from sshore.core.errors import Conflict
from sshore.store.database_errors import translated
from sshore.store.database_url import place_of, read_database_url
from sshore.store.server_lock import ServerLock

_BUSY_TIMEOUT_MS = 10_000
_CONNECT_TIMEOUT_S = 10
_MIGRATION_LOCK = 0x5540_9E
"""The number of an advisory lock that no other program is likely to take."""


class Database:
    """One database by its URL: SQLite (in WAL mode) or PostgreSQL."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet.

        Raises:
            InvalidInput: the URL is none.
        """
        where = read_database_url(url)
        self._place = place_of(where)
        self._writing: contextlib.AbstractAsyncContextManager[Any] = contextlib.nullcontext()
        # Keys and tokens' hashes are among the parameters, which errors and their tracebacks would quote.
        if where.get_backend_name() == "sqlite":
            # Each connection is a thread with a cache of its own: a crowd is to wait for one, not to get more of them.
            self._engine = create_async_engine(where, hide_parameters=True, max_overflow=0)
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
            # SQLite has one writer; waiting here is fair and cheap, its own busy loop is neither.
            self._writing = asyncio.Lock()
        else:
            # Tried before each use, so that a restarted PostgreSQL costs no request its answer.
            if "connect_timeout" not in where.query:
                where = where.update_query_dict({"connect_timeout": str(_CONNECT_TIMEOUT_S)})
            self._engine = create_async_engine(where, hide_parameters=True, pool_pre_ping=True)

    async def migrate(self) -> None:
        """Bring the tables to the newest revision, or leave them as they are on an error.

        Raises:
            Conflict: a newer server has been there.
        """
        try:
            with translated(self._place):
                async with self._engine.connect() as connection, self._writing:
                    await connection.run_sync(_upgrade)
        except CommandError as error:  # "Can't locate revision": of all that an upgrade can say, the one that happens
            raise Conflict(
                f"the database {self._place} was used by a newer server than this {__version__}: install that version "
                f"or a later one, or put back a copy from before ({error})"
            ) from error

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[ServerLock | None]:
        """Be the one server on this database, as long as the lock's `run` runs; None for a SQLite file, which is held
        with its state directory.

        Raises:
            Conflict: another server is.
        """
        if self._engine.dialect.name == "sqlite":
            yield None
            return
        async with contextlib.aclosing(ServerLock(self._engine, self._place)) as lock:
            await lock.acquire()
            yield lock

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        with translated(self._place):
            async with self._engine.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back on an error."""
        with translated(self._place):
            async with self._writing, self._engine.begin() as connection:
                yield connection

    async def aclose(self) -> None:
        await self._engine.dispose()

    @property
    def engine(self) -> AsyncEngine:
        return self._engine


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _upgrade(connection: Connection) -> None:
    guard = _sqlite_migration if connection.dialect.name == "sqlite" else _postgresql_migration
    with guard(connection):
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextlib.contextmanager
def _sqlite_migration(connection: Connection) -> Iterator[None]:
    """All or nothing. A table that others refer to is changed by making it anew, for which SQLite wants foreign keys
    off, outside of any transaction (https://sqlite.org/lang_altertable.html, section 7)."""
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins none for changes of tables
    try:
        yield
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            raise RuntimeError(f"a migration would break references: {broken}")
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


@contextlib.contextmanager
def _postgresql_migration(connection: Connection) -> Iterator[None]:
    """All or nothing; of two servers that start at once, one waits for the other."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    yield
    connection.commit()
