"""What sessions did last; implements `core.ports.Activities`."""

import dataclasses
from collections.abc import Collection

from sqlalchemy import delete, insert, select

from sshore.core.activity import LastActivity
from sshore.store import tables
from sshore.store.database_table import DatabaseTable


class ActivityTable(DatabaseTable):
    async def list(self) -> list[LastActivity]:
        return [LastActivity(**row._mapping) for row in await self._rows(select(tables.session_activity))]

    async def replace(self, activities: Collection[LastActivity]) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(tables.session_activity))
            if activities:
                values = [dataclasses.asdict(activity) for activity in activities]
                await connection.execute(insert(tables.session_activity), values)
