"""A PostgreSQL server of the tests' own, in a temporary directory, on a Unix socket and on no port.

with postgresql() as server:
    server.new_database()     # postgresql://sshore:…@/db1?host=/tmp/…
    server.stop(); server.start()
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench.processes import wait_ready

PASSWORD = "correct-horse-battery"
_DEADLINE_S = 30.0


def programs() -> Path | None:
    """Where `initdb` and `postgres` are; Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((place for place in reversed(places) if (place / "initdb").exists()), None)


class PostgresServer:
    """The role `sshore` owns the databases and has a password; its connections are authenticated by it."""

    def __init__(self, directory: Path, bin_directory: Path) -> None:
        self._directory = directory
        self._bin = bin_directory
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0

    def url(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://sshore:{password}@/{database}?host={self._directory}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._count += 1
        name = f"db{self._count}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def initialise(self) -> None:
        password = self._directory / "password"
        password.write_text(PASSWORD)
        words = ["--username=sshore", "--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--no-locale"]
        subprocess.run(
            [self._bin / "initdb", "--no-sync", "-D", self._data, *words],
            check=True,
            capture_output=True,
            **_ordinary(),
        )

    def start(self) -> None:
        """Start it, and return when it serves."""
        options = {
            "unix_socket_directories": str(self._directory),
            "listen_addresses": "",
            "fsync": "off",
            "autovacuum": "off",
            "max_connections": "60",
            # Not UTC, which would hide what is stored in the server's own zone.
            "timezone": "Asia/Seoul",
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, *settings], stdout=log, stderr=log, **_ordinary()
            )
        wait_ready(self._process, lambda _: self._serves(), self._directory / "log", _DEADLINE_S)

    def stop(self) -> None:
        """Stop it, breaking connections off (pg_ctl(1), fast shutdown)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_DEADLINE_S)
            self._process = None

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _serves(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgresql() -> Iterator[PostgresServer]:
    """A server that is gone at the end, with all its files."""
    place = programs()
    assert place is not None, "PostgreSQL is not installed: sudo apt-get install postgresql"
    directory = Path(tempfile.mkdtemp(prefix="sshore-pg-"))
    if os.geteuid() == 0:
        os.chown(directory, _unprivileged().pw_uid, _unprivileged().pw_gid)
    server = PostgresServer(directory, place)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


def _ordinary() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": _unprivileged().pw_uid, "group": _unprivileged().pw_gid, "extra_groups": [], "cwd": "/"}


def _unprivileged() -> pwd.struct_passwd:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")
