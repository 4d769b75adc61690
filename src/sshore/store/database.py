"""The database: connections, transactions, migrations, and what its errors mean."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sshore.store.database_errors import translated
from sshore.store.database_url import place_of, read_database_url
from sshore.store.revisions import is_current, upgrade
from sshore.store.server_lock import ServerLock
from sshore.store.turns import Turns

_BUSY_TIMEOUT_MS = 10_000
_CONNECT_TIMEOUT_S = 10


class Database:
    """One database by its URL: SQLite (in WAL mode) or PostgreSQL."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet.

        Raises:
            InvalidInput: the URL is none.
        """
        where = read_database_url(url)
        self._place = place_of(where)
        self._turns = Turns()
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
        with translated(self._place):
            async with self._engine.connect() as connection, self._writing:
                if not await connection.run_sync(is_current):
                    await connection.run_sync(upgrade, self._place)

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
            async with self._turns.take(), self._engine.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back on an error."""
        with translated(self._place):
            async with self._turns.take(), self._writing, self._engine.begin() as connection:
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
