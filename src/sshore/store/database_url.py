"""Which database: the URL as an administrator writes it, and how to speak of it without its password."""

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from sshore.core.errors import InvalidInput

_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "sqlite": "sqlite+aiosqlite"}
_FORM = "write postgresql://USER:PASSWORD@HOST/DATABASE, or leave it out for SQLite in the state directory"


def read_database_url(text: str) -> URL:
    """A database's URL with the driver that is used here.

    What libpq knows may follow as parameters: ``?sslmode=verify-full``, ``?host=/run/postgresql``.

    Raises:
        InvalidInput: it is none, or of another kind of database. Never repeats the URL, which may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # its cause may hold the URL
        raise InvalidInput(f"SSHORE_DATABASE_URL is no database URL: {_FORM}", field="database_url") from None
    kind = url.drivername.partition("+")[0]
    if kind not in _DRIVERS:
        raise InvalidInput(
            f"SSHORE_DATABASE_URL names {kind}, but Sshore keeps its data in SQLite or PostgreSQL: {_FORM}",
            field="database_url",
        )
    return url.set(drivername=_DRIVERS[kind])


def with_password(text: str, password: str) -> str:
    """The URL with a password that was kept elsewhere. Raises InvalidInput as `read_database_url` does."""
    return read_database_url(text).set(password=password).render_as_string(hide_password=False)


def place_of(url: URL) -> str:
    """Where a database is, for people: its host and name, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or str(url.query.get("host", "localhost"))
    return f"{host}{f':{url.port}' if url.port else ''}/{url.database or url.username or ''}"
