"""Folders, their shares, the trash, and keys for SFTP."""

import dataclasses
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from sshore.core.errors import Conflict
from sshore.core.folders import Folder, FolderKeys, FolderShare, TrashedFolder
from sshore.core.ids import FolderId, FolderShareId, UserId
from sshore.store import tables
from sshore.store.database_table import DatabaseTable
from sshore.wire.problems import Code


class FolderTable(DatabaseTable):
    async def add(self, folder: Folder) -> None:
        await self._add(tables.folders, dataclasses.asdict(folder), "folder")

    async def find(self, owner_id: UserId, name: str) -> Folder | None:
        columns = tables.folders.c
        row = await self._first(select(tables.folders).where(columns.owner_id == owner_id, columns.name == name))
        return Folder(**row._mapping) if row else None

    async def get(self, folder_id: FolderId) -> Folder | None:
        row = await self._first(select(tables.folders).where(tables.folders.c.id == folder_id))
        return Folder(**row._mapping) if row else None

    async def list(self, owner_id: UserId) -> list[Folder]:
        query = select(tables.folders).where(tables.folders.c.owner_id == owner_id).order_by(tables.folders.c.name)
        return [Folder(**row._mapping) for row in await self._rows(query)]

    async def remove(self, folder_id: FolderId) -> None:
        await self._write(delete(tables.folders).where(tables.folders.c.id == folder_id))

    async def rename(self, folder_id: FolderId, name: str) -> None:
        try:
            await self._write(update(tables.folders).where(tables.folders.c.id == folder_id).values(name=name))
        except Conflict as error:
            raise _taken(name) from error

    async def trash(self, folder: Folder, at: datetime) -> None:
        values = dataclasses.asdict(TrashedFolder(folder.id, folder.owner_id, folder.name, folder.created_at, at))
        async with self._database.write() as connection:
            await connection.execute(delete(tables.folders).where(tables.folders.c.id == folder.id))
            await connection.execute(insert(tables.trashed_folders).values(**values))

    async def restore(self, trashed: TrashedFolder, name: str) -> Folder:
        folder = Folder(trashed.id, trashed.owner_id, name, trashed.created_at)
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    delete(tables.trashed_folders).where(tables.trashed_folders.c.id == trashed.id)
                )
                await connection.execute(insert(tables.folders).values(**dataclasses.asdict(folder)))
        except Conflict as error:
            raise _taken(name) from error
        return folder


class FolderShareTable(DatabaseTable):
    async def put(self, share: FolderShare) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(tables.folder_shares).where(_for(share.folder_id, share.user_id)))
            await connection.execute(insert(tables.folder_shares).values(**dataclasses.asdict(share)))

    async def of_folder(self, folder_id: FolderId) -> list[FolderShare]:
        query = select(tables.folder_shares).where(tables.folder_shares.c.folder_id == folder_id)
        return [FolderShare(**row._mapping) for row in await self._rows(query)]

    async def with_user(self, user_id: UserId) -> list[tuple[Folder, FolderShare]]:
        shares, folders = tables.folder_shares.c, tables.folders.c
        query = (
            select(tables.folders, shares.id.label("share_id"), shares.user_id, shares.read_only)
            .join(tables.folder_shares, shares.folder_id == folders.id)
            .where(or_(shares.user_id == user_id, shares.user_id.is_(None)), folders.owner_id != user_id)
            .order_by(folders.owner_id, folders.name)
        )
        found = []
        for row in await self._rows(query):
            values = dict(row._mapping)
            share_id, with_id, read_only = (values.pop(name) for name in ("share_id", "user_id", "read_only"))
            folder = Folder(**values)
            found.append((folder, FolderShare(FolderShareId(share_id), folder.id, with_id, read_only)))
        return found

    async def remove(self, folder_id: FolderId, user_id: UserId | None) -> bool:
        return await self._write(delete(tables.folder_shares).where(_for(folder_id, user_id))) > 0


class TrashedFolderTable(DatabaseTable):
    async def list(self, owner_id: UserId | None = None) -> list[TrashedFolder]:
        columns = tables.trashed_folders.c
        query = select(tables.trashed_folders).order_by(columns.trashed_at.desc(), columns.id)
        if owner_id is not None:
            query = query.where(columns.owner_id == owner_id)
        return [TrashedFolder(**row._mapping) for row in await self._rows(query)]

    async def remove(self, folder_id: FolderId) -> None:
        await self._write(delete(tables.trashed_folders).where(tables.trashed_folders.c.id == folder_id))


class FolderKeyTable(DatabaseTable):
    async def get(self, folder_id: FolderId, user_id: UserId) -> FolderKeys | None:
        columns = tables.folder_keys.c
        query = select(tables.folder_keys).where(columns.folder_id == folder_id, columns.user_id == user_id)
        row = await self._first(query)
        return FolderKeys(**{**row._mapping, "further_host_keys": tuple(row.further_host_keys)}) if row else None

    async def add(self, keys: FolderKeys) -> None:
        await self._add(tables.folder_keys, dataclasses.asdict(keys), "folder's key")


def _for(folder_id: FolderId, user_id: UserId | None) -> ColumnElement[bool]:
    columns = tables.folder_shares.c
    whom = columns.user_id.is_(None) if user_id is None else columns.user_id == user_id
    return (columns.folder_id == folder_id) & whom


def _taken(name: str) -> Conflict:
    return Conflict(f"there is a folder named {name!r} already", code=Code.NAME_TAKEN)
