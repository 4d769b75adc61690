"""Which revision the tables are of, and the way to the newest."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from sshore import __version__
from sshore.core.errors import Conflict

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x5540_9E
"""The number of an advisory lock that no other program is likely to take."""


def is_current(connection: Connection) -> bool:
    """Whether the tables are of the newest revision: Alembic, which takes long to load, would find nothing to do."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    newest = max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest]


def upgrade(connection: Connection, place: str) -> None:
    """Bring the tables of the database at `place` to the newest revision.

    Raises:
        Conflict: a newer server has been there.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    guard = _sqlite_migration if connection.dialect.name == "sqlite" else _postgresql_migration
    try:
        with guard(connection):
            command.upgrade(config, "head")
    except CommandError as error:  # "Can't locate revision": of all that an upgrade can say, the one that happens
        raise Conflict(
            f"the database {place} was used by a newer server than this {__version__}: install that version "
            f"or a later one, or put back a copy from before ({error})"
        ) from error


@contextlib.contextmanager
def _sqlite_migration(connection: Connection) -> Iterator[None]:
    """All or nothing. A table that others refer to is changed by making it anew, for which SQLite wants foreign keys
    off, outside of any transaction (https://sqlite.org/lang_altertable.html, section 7)."""
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins none for changes of tables
    try:
        yield
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            raise RuntimeError(f"a migration would break references: {broken}")
        connection.commit()
    finally:
        connection.rollback()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")


@contextlib.contextmanager
def _postgresql_migration(connection: Connection) -> Iterator[None]:
    """All or nothing; of two servers that start at once, one waits for the other."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    yield
    connection.commit()
