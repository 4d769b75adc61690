"""What is a user's own: allowances, registered keys, files for new homes, the bootstrap script."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, delete, select

from sshore.core.ids import OwnKeyId, UserId
from sshore.core.own_keys import OwnKey
from sshore.core.user_files import Bootstrap, FileEntry, UserFile
from sshore.store import tables
from sshore.store.database_table import DatabaseTable


class AllowanceTable(DatabaseTable):
    async def get(self, user_id: UserId) -> dict[str, float | None]:
        row = await self._first(select(tables.allowances.c.limits).where(tables.allowances.c.user_id == user_id))
        return dict(row[0]) if row else {}

    async def put(self, user_id: UserId, limits: Mapping[str, float | None]) -> None:
        mine = tables.allowances.c.user_id == user_id
        if limits:
            await self._put(tables.allowances, mine, {"user_id": user_id, "limits": dict(limits)})
        else:
            await self._write(delete(tables.allowances).where(mine))


class OwnKeyTable(DatabaseTable):
    async def add(self, key: OwnKey) -> None:
        await self._add(tables.own_keys, dataclasses.asdict(key), "key")

    async def list(self, owner_id: UserId) -> list[OwnKey]:
        columns = tables.own_keys.c
        query = select(tables.own_keys).where(columns.owner_id == owner_id).order_by(columns.created_at, columns.id)
        return [OwnKey(**row._mapping) for row in await self._rows(query)]

    async def remove(self, owner_id: UserId, key_id: OwnKeyId) -> bool:
        columns = tables.own_keys.c
        statement = delete(tables.own_keys).where(columns.owner_id == owner_id, columns.id == key_id)
        return await self._write(statement) > 0


class UserFileTable(DatabaseTable):
    async def put(self, file: UserFile) -> None:
        columns = tables.user_files.c
        mine = (columns.owner_id == file.owner_id) & (columns.name == file.name)
        await self._put(tables.user_files, mine, {**dataclasses.asdict(file), "size": len(file.content)})

    async def get(self, owner_id: UserId, name: str) -> UserFile | None:
        columns = tables.user_files.c
        query = _whole_files().where(columns.owner_id == owner_id, columns.name == name)
        row = await self._first(query)
        return UserFile(**row._mapping) if row else None

    async def contents(self, owner_id: UserId) -> list[UserFile]:
        columns = tables.user_files.c
        found = await self._rows(_whole_files().where(columns.owner_id == owner_id).order_by(columns.name))
        return [UserFile(**row._mapping) for row in found]

    async def list(self, owner_id: UserId) -> list[FileEntry]:
        columns = tables.user_files.c
        query = select(columns.name, columns.size, columns.executable, columns.updated_at)
        found = await self._rows(query.where(columns.owner_id == owner_id).order_by(columns.name))
        return [FileEntry(**row._mapping) for row in found]

    async def remove(self, owner_id: UserId, name: str) -> bool:
        columns = tables.user_files.c
        statement = delete(tables.user_files).where(columns.owner_id == owner_id, columns.name == name)
        return await self._write(statement) > 0


class BootstrapTable(DatabaseTable):
    async def put(self, bootstrap: Bootstrap) -> None:
        mine = tables.bootstraps.c.owner_id == bootstrap.owner_id
        await self._put(tables.bootstraps, mine, dataclasses.asdict(bootstrap))

    async def get(self, owner_id: UserId) -> Bootstrap | None:
        row = await self._first(select(tables.bootstraps).where(tables.bootstraps.c.owner_id == owner_id))
        return Bootstrap(**row._mapping) if row else None

    async def remove(self, owner_id: UserId) -> bool:
        return await self._write(delete(tables.bootstraps).where(tables.bootstraps.c.owner_id == owner_id)) > 0


def _whole_files() -> Select[Any]:
    columns = tables.user_files.c
    return select(columns.owner_id, columns.name, columns.content, columns.executable, columns.updated_at)
