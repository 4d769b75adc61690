"""The database: connections, transactions, migrations, and what its errors mean."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sshore.core.errors import Conflict, Unavailable
from sshore.wire.problems import Code

_BUSY_TIMEOUT_MS = 10_000


class Database:
    """One database, by its SQLAlchemy URL; SQLite (in WAL mode) unless the URL says otherwise."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(url)
        self._writing: contextlib.AbstractAsyncContextManager[Any] = contextlib.nullcontext()
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)
            # SQLite has one writer; waiting here is fair and cheap, its own busy loop is neither.
            self._writing = asyncio.Lock()

    async def migrate(self) -> None:
        """Bring the tables to the newest revision."""
        with _translated():
            async with self._engine.connect() as connection:
                await connection.run_sync(_upgrade)
                await connection.commit()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        with _translated():
            async with self._engine.connect() as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back on an error."""
        with _translated():
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
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict("something of that name exists already", code=Code.NAME_TAKEN) from error
    except OperationalError as error:
        reason = str(error.orig)
        if "full" in reason:
            raise Unavailable(
                "the disk of the server's state directory is full: free some space and try again",
                code=Code.STORAGE_FULL,
            ) from error
        raise Unavailable(f"the database cannot be used: {reason}") from error
