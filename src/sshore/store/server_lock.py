"""The lock by which one server runs on one PostgreSQL; taken again when PostgreSQL has restarted."""

import asyncio
import logging

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from sshore.core.errors import Conflict, Unavailable
from sshore.store.database_errors import translated

log = logging.getLogger("sshore.store")

LOOK_EVERY_S = 5.0
_SERVER_LOCK = 0x5540_9F
"""The number of an advisory lock that no other program is likely to take."""
_SETTINGS = {"lock_timeout": "2s", "tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10"}
"""A server that was killed holds its lock until PostgreSQL sees that its connection has ended; so does one whose
machine has failed, which keep-alives find."""
_LOCK_NOT_AVAILABLE = "55P03"


class ServerLock:
    """Held by a connection of its own, because the lock is the connection's, and ends with it."""

    def __init__(self, engine: AsyncEngine, place: str) -> None:
        self._engine = engine
        self._place = place
        self._connection: AsyncConnection | None = None

    async def acquire(self) -> None:
        """Raises Conflict when another server has it, Unavailable when the database is away."""
        await self.aclose()
        with translated(self._place):
            connection = await self._engine.connect()
            try:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                for setting, value in _SETTINGS.items():
                    await connection.execute(
                        text("SELECT set_config(:setting, :value, false)"), {"setting": setting, "value": value}
                    )
                await self._lock(connection)
            except BaseException:
                await _give_up(connection)
                raise
            self._connection = connection

    async def run(self) -> None:
        """Look after the lock until cancelled.

        Raises:
            Conflict: it was lost with its connection, and another server has taken it meanwhile.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if await self._is_held():
                continue
            try:
                await self.acquire()
            except Unavailable as error:
                log.error("the database is not held until it is back", extra={"reason": error.problem.detail})
            else:
                log.warning("the database was away, and is held again")

    async def aclose(self) -> None:
        """Let go of it; idempotent."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await _give_up(connection)

    async def _is_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            await self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:  # not the database's alone: a question that was cancelled spoils the connection, too
            return False
        return True

    async def _lock(self, connection: AsyncConnection) -> None:
        try:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _SERVER_LOCK})
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise Conflict(
                f"another server runs on the database at {self._place}: stop that one, or give this one its own"
            ) from error


async def _give_up(connection: AsyncConnection) -> None:
    await connection.invalidate()
    await connection.close()
