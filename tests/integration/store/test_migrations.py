"""Migrations on SQLite and on PostgreSQL: from every released revision, with rows, to what the code knows."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import sshore.store
from sshore.core.ids import FolderId, UserId
from sshore.core.keys import public_line
from sshore.core.states import SessionState
from sshore.store.database import Database
from sshore.store.store import DatabaseStore
from sshore.store.tables import metadata

pytestmark = pytest.mark.anyio

_MIGRATIONS = str(Path(sshore.store.__file__).parent / "migrations")
_FIRST_ROWS = {
    "users": {"id": "u1", "name": "ann", "role": "admin", "host_uid": 1900000000, "settings": {"language": "ko"}},
    "tokens": {"id": "t1", "user_id": "u1", "name": "laptop", "secret_hash": "h" * 64},
    "sessions": {
        "id": "s1",
        "owner_id": "u1",
        "name": "demo",
        "state": "stopped",
        "reason": "",
        "engine": "sandbox",
        "image": "",
        "resources": {"cpus": 0.5, "memory_bytes": None, "pids": None, "gpus": 0},
        "network": "nat",
        "key_type": "ed25519",
        "mounts": [{"folder": "data", "target": "/data", "read_only": True}],
        "launched": [],
        "agent_token_hash": "",
        "private_key": "P",
        "host_private_key": "H",
        "host_key_fingerprint": "SHA256:x",
    },
    "folders": {"id": "f1", "owner_id": "u1", "name": "data"},
}
"""A row for each table of revision 0001."""


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    return config


def _revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


async def _go_to(database: Database, revision: str) -> None:
    async with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), revision))
        await connection.commit()


async def _fill(database: Database) -> None:
    async with database.write() as connection:
        for table, row in _FIRST_ROWS.items():
            values = {name: _plain(value) for name, value in row.items()}
            zone = "+00" if connection.dialect.name == "postgresql" else ".000000"
            values["created_at"] = f"2026-01-01 12:00:00{zone}"
            names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
            await connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def _plain(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


async def _differences(database: Database) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        return await connection.run_sync(compare)


@pytest.mark.parametrize("revision", _revisions())
async def test_rows_of_the_first_release_go_on_from_every_revision(database_url: str, revision: str) -> None:
    database = Database(database_url)
    try:
        await _go_to(database, "0001")
        await _fill(database)
        await _go_to(database, revision)
        await database.migrate()
        await database.migrate()  # again, as at every start
        store = DatabaseStore(database)
        ann = await store.users.by_name("ann")
        assert ann is not None and (ann.id, ann.settings) == (UserId("u1"), {"language": "ko"})
        found = await store.tokens.by_hash("h" * 64)
        assert found is not None and found[0].created_at.isoformat() == "2026-01-01T12:00:00+00:00"
        (session,) = await store.sessions.list(ann.id)
        assert (session.name, session.state, session.resources.cpus) == ("demo", SessionState.STOPPED, 0.5)
        assert _types(session.further_host_keys) == ["ecdsa-sha2-nistp256"]
        assert [mount.target for mount in session.mounts] == ["/data"]
        assert [folder.name for folder in await store.folders.list(ann.id)] == ["data"]
        assert await _differences(database) == []
    finally:
        await database.aclose()


async def test_stored_sessions_and_folders_get_further_host_keys(database_url: str) -> None:
    database = Database(database_url)
    try:
        await _go_to(database, "0001")
        await _fill(database)
        await _go_to(database, "0008")
        async with database.write() as connection:
            await connection.execute(text("UPDATE sessions SET key_type = 'rsa'"))
            await connection.execute(text("INSERT INTO folder_keys VALUES ('f1', 'u1', 'P', 'H')"))
        await database.migrate()
        store = DatabaseStore(database)
        (session,) = await store.sessions.list()
        assert _types(session.further_host_keys) == ["ecdsa-sha2-nistp256", "ssh-rsa"]
        keys = await store.folder_keys.get(FolderId("f1"), UserId("u1"))
        assert keys is not None and _types(keys.further_host_keys) == ["ecdsa-sha2-nistp256"]
    finally:
        await database.aclose()


async def test_quotas_of_folders_become_allowances(database_url: str) -> None:
    database = Database(database_url)
    try:
        await _go_to(database, "0001")
        await _fill(database)
        await _go_to(database, "0010")
        async with database.write() as connection:
            await connection.execute(
                text(
                    "INSERT INTO users (id, name, role, host_uid, settings, created_at, disabled, password_hash) "
                    "SELECT 'u2', 'bob', role, 1900000001, settings, created_at, disabled, password_hash FROM users"
                )
            )
            await connection.execute(text("INSERT INTO folder_quotas VALUES ('u1', 5000000000), ('u2', 7)"))
            limits = json.dumps({"cpus": 2.0, "gpus": None})
            await connection.execute(text("INSERT INTO allowances VALUES ('u1', :limits)"), {"limits": limits})
        await database.migrate()
        store = DatabaseStore(database)
        assert await store.allowances.get(UserId("u1")) == {"cpus": 2.0, "gpus": None, "folder_bytes": 5_000_000_000}
        assert await store.allowances.get(UserId("u2")) == {"folder_bytes": 7}
    finally:
        await database.aclose()


def _types(host_keys: Sequence[str]) -> list[str]:
    return [public_line(key).split()[0] for key in host_keys]


async def test_an_empty_database_gets_the_tables_that_the_code_knows(database: Database) -> None:
    assert await _differences(database) == []


async def test_servers_that_start_at_once_migrate_once(database_url: str) -> None:
    if database_url.startswith("sqlite"):  # there the state directory's lock lets one server start
        return
    databases = [Database(database_url) for _ in range(4)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for database in databases:
                tasks.create_task(database.migrate())
        assert await _differences(databases[0]) == []
    finally:
        for database in databases:
            await database.aclose()
