"""Groups of users and their members."""

import dataclasses

from sqlalchemy import delete, insert, select, update

from sshore.core.allowances import Limits
from sshore.core.errors import Conflict
from sshore.core.groups import Group
from sshore.core.ids import GroupId, UserId
from sshore.store import tables
from sshore.store.database_table import DatabaseTable


class GroupTable(DatabaseTable):
    async def add(self, group: Group) -> None:
        await self._add(tables.groups, {**dataclasses.asdict(group), "limits": dict(group.limits)}, "group")

    async def by_name(self, name: str) -> Group | None:
        row = await self._first(select(tables.groups).where(tables.groups.c.name == name))
        return Group(**row._mapping) if row else None

    async def of(self, user_id: UserId) -> list[Group]:
        columns, members = tables.groups.c, tables.group_members.c
        query = select(tables.groups).join(tables.group_members, members.group_id == columns.id)
        rows = await self._rows(query.where(members.user_id == user_id).order_by(columns.name))
        return [Group(**row._mapping) for row in rows]

    async def members(self, group_id: GroupId) -> list[UserId]:
        columns = tables.group_members.c
        return [row[0] for row in await self._rows(select(columns.user_id).where(columns.group_id == group_id))]

    async def change(self, group_id: GroupId, limits: Limits) -> None:
        await self._write(update(tables.groups).where(tables.groups.c.id == group_id).values(limits=dict(limits)))

    async def remove(self, group_id: GroupId) -> None:
        await self._write(delete(tables.groups).where(tables.groups.c.id == group_id))

    async def join(self, group_id: GroupId, user_id: UserId) -> None:
        try:
            await self._write(insert(tables.group_members).values(group_id=group_id, user_id=user_id))
        except Conflict:  # a member already; or one of the two has been removed meanwhile
            if user_id not in await self.members(group_id):
                raise

    async def leave(self, group_id: GroupId, user_id: UserId) -> bool:
        columns = tables.group_members.c
        mine = (columns.group_id == group_id) & (columns.user_id == user_id)
        return await self._write(delete(tables.group_members).where(mine)) > 0

    async def list(self) -> list[Group]:
        return [Group(**row._mapping) for row in await self._rows(select(tables.groups).order_by(tables.groups.c.name))]
