"""Rows to the core's dataclasses and back; implements `core.ports.Store`."""

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, or_, select, update

from sshore.core.choices import KeyType, Network, Role, Scope
from sshore.core.ids import SessionId, TokenId, UserId
from sshore.core.sessions import Mount, Resources, Session
from sshore.core.states import SessionState
from sshore.core.ulimits import Ulimit
from sshore.core.users import Token, User
from sshore.store import tables
from sshore.store.activity_table import ActivityTable
from sshore.store.audit_table import StreamRecordTable
from sshore.store.database import Database
from sshore.store.database_table import DatabaseTable
from sshore.store.folder_tables import (
    FolderKeyTable,
    FolderShareTable,
    FolderTable,
    TrashedFolderTable,
)
from sshore.store.group_table import GroupTable
from sshore.store.own_tables import AllowanceTable, BootstrapTable, OwnKeyTable, UserFileTable


class DatabaseStore:
    """All tables on one database."""

    def __init__(self, database: Database) -> None:
        self.users = UserTable(database)
        self.tokens = TokenTable(database)
        self.sessions = SessionTable(database)
        self.folders = FolderTable(database)
        self.folder_shares = FolderShareTable(database)
        self.trashed_folders = TrashedFolderTable(database)
        self.folder_keys = FolderKeyTable(database)
        self.allowances = AllowanceTable(database)
        self.groups = GroupTable(database)
        self.own_keys = OwnKeyTable(database)
        self.user_files = UserFileTable(database)
        self.bootstraps = BootstrapTable(database)
        self.streams = StreamRecordTable(database)
        self.activities = ActivityTable(database)


class UserTable(DatabaseTable):
    async def add(self, user: User) -> None:
        await self._add(tables.users, dataclasses.asdict(user), "user")

    async def get(self, user_id: UserId) -> User | None:
        row = await self._first(select(tables.users).where(tables.users.c.id == user_id))
        return _user(row) if row else None

    async def by_name(self, name: str) -> User | None:
        row = await self._first(select(tables.users).where(tables.users.c.name == name))
        return _user(row) if row else None

    async def by_oidc_subject(self, subject: str) -> User | None:
        row = await self._first(select(tables.users).where(tables.users.c.oidc_subject == subject))
        return _user(row) if row else None

    async def list(self) -> list[User]:
        return [_user(row) for row in await self._rows(select(tables.users).order_by(tables.users.c.name))]

    async def set_setting(self, user_id: UserId, name: str, value: str) -> None:
        mine = tables.users.c.id == user_id
        async with self._database.write() as connection:
            stored = (
                await connection.execute(select(tables.users.c.settings).where(mine).with_for_update())
            ).scalar_one()
            settings = {**stored, name: value}
            if not value:
                del settings[name]
            await connection.execute(update(tables.users).where(mine).values(settings=settings))

    async def change(self, user_id: UserId, **values: Any) -> None:
        await self._write(update(tables.users).where(tables.users.c.id == user_id).values(**values))

    async def remove(self, user_id: UserId) -> None:
        await self._write(delete(tables.users).where(tables.users.c.id == user_id))


class TokenTable(DatabaseTable):
    async def add(self, token: Token) -> None:
        await self._add(tables.tokens, dataclasses.asdict(token), "token")

    async def by_hash(self, secret_hash: str) -> tuple[Token, User] | None:
        query = (
            select(tables.tokens.c.id, tables.users.c.id)
            .join(tables.users, tables.tokens.c.user_id == tables.users.c.id)
            .where(tables.tokens.c.secret_hash == secret_hash)
        )
        async with self._database.read() as connection:
            ids = (await connection.execute(query)).first()
            if ids is None:
                return None
            token = (await connection.execute(select(tables.tokens).where(tables.tokens.c.id == ids[0]))).one()
            user = (await connection.execute(select(tables.users).where(tables.users.c.id == ids[1]))).one()
        return _token(token), _user(user)

    async def list(self, user_id: UserId) -> list[Token]:
        query = select(tables.tokens).where(tables.tokens.c.user_id == user_id).order_by(tables.tokens.c.created_at)
        return [_token(row) for row in await self._rows(query)]

    async def remove(self, user_id: UserId, token_id: TokenId) -> bool:
        mine = (tables.tokens.c.user_id == user_id) & (tables.tokens.c.id == token_id)
        return await self._write(delete(tables.tokens).where(mine)) > 0

    async def touch(self, token_id: TokenId, used_at: datetime) -> None:
        await self._write(update(tables.tokens).where(tables.tokens.c.id == token_id).values(last_used_at=used_at))


class SessionTable(DatabaseTable):
    async def add(self, session: Session) -> None:
        await self._add(tables.sessions, _session_values(session), "session")

    async def get(self, session_id: SessionId) -> Session | None:
        row = await self._first(select(tables.sessions).where(tables.sessions.c.id == session_id))
        return _session(row) if row else None

    async def find(self, owner_id: UserId, ref: str) -> Session | None:
        columns = tables.sessions.c
        query = select(tables.sessions).where(columns.owner_id == owner_id, or_(columns.name == ref, columns.id == ref))
        rows = [_session(row) for row in await self._rows(query)]
        return next((session for session in rows if session.name == ref), rows[0] if rows else None)

    async def by_agent_token_hash(self, token_hash: str) -> Session | None:
        row = await self._first(select(tables.sessions).where(tables.sessions.c.agent_token_hash == token_hash))
        return _session(row) if row else None

    async def list(self, owner_id: UserId | None = None) -> list[Session]:
        query = select(tables.sessions).order_by(tables.sessions.c.created_at)
        if owner_id is not None:
            query = query.where(tables.sessions.c.owner_id == owner_id)
        return [_session(row) for row in await self._rows(query)]

    async def update(self, session: Session) -> None:
        statement = update(tables.sessions).where(tables.sessions.c.id == session.id)
        await self._write(statement.values(**_session_values(session)))

    async def remove(self, session_id: SessionId) -> None:
        await self._write(delete(tables.sessions).where(tables.sessions.c.id == session_id))


def _user(row: Row[Any]) -> User:
    return User(**{**row._mapping, "role": Role(row._mapping["role"])})


def _token(row: Row[Any]) -> Token:
    return Token(**{**row._mapping, "scope": Scope(row._mapping["scope"])})


def _session(row: Row[Any]) -> Session:
    values = dict(row._mapping)
    values["state"] = SessionState(values["state"])
    values["network"] = Network(values["network"])
    values["key_type"] = KeyType(values["key_type"])
    values["resources"] = _resources(values["resources"])
    values["mounts"] = tuple(Mount(**mount) for mount in values["mounts"])
    values["launched"] = tuple(values["launched"])
    values["further_host_keys"] = tuple(values["further_host_keys"])
    return Session(**values)


def _resources(values: dict[str, Any]) -> Resources:
    return Resources(**{**values, "ulimits": tuple(Ulimit(**ulimit) for ulimit in values.get("ulimits", ()))})


def _session_values(session: Session) -> dict[str, Any]:
    values = dataclasses.asdict(session)
    values["mounts"] = [dataclasses.asdict(mount) for mount in session.mounts]
    values["launched"] = list(session.launched)
    values["further_host_keys"] = list(session.further_host_keys)
    return values
