"""What the tables' classes share: one statement, one transaction."""

from typing import Any

from sqlalchemy import Row, insert, update

from sshore.core.errors import Conflict
from sshore.store.database import Database
from sshore.wire.problems import Code


class DatabaseTable:
    """Tables on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _rows(self, query: Any) -> list[Row[Any]]:
        async with self._database.read() as connection:
            return list((await connection.execute(query)).all())

    async def _first(self, query: Any) -> Row[Any] | None:
        async with self._database.read() as connection:
            return (await connection.execute(query)).first()

    async def _write(self, statement: Any) -> int:
        """Execute one statement in a transaction of its own; the number of rows it touched."""
        async with self._database.write() as connection:
            return int((await connection.execute(statement)).rowcount)

    async def _put(self, table: Any, mine: Any, values: dict[str, Any]) -> None:
        """Change the row that `mine` means, or add it."""
        change = update(table).where(mine).values(**values)
        if await self._write(change):
            return
        try:
            await self._write(insert(table).values(**values))
        except Conflict:  # another request has added it meanwhile
            await self._write(change)

    async def _add(self, table: Any, values: dict[str, Any], what: str) -> None:
        try:
            await self._write(insert(table).values(**values))
        except Conflict as error:
            name = values.get("name", "")
            raise Conflict(f"there is a {what} named {name!r} already", code=Code.NAME_TAKEN) from error
