"""A server whose data is in PostgreSQL: from the first session to a restart of either, and what is said without it."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from deployment import Deployment, deployment
from host_processes import until
from programs import need_that
from ssh_client import through_proxy_command

from integration.command_line import CommandLine
from integration.postgresql import PASSWORD, PostgresServer, postgresql, programs


@pytest.fixture(scope="module", autouse=True)
def postgres() -> Iterator[PostgresServer]:
    need_that(programs() is not None, "PostgreSQL is not installed here")
    with postgresql() as server:
        yield server


@pytest.fixture
def on_postgres(shared: Deployment, postgres: PostgresServer) -> Iterator[Deployment]:
    """A deployment that has no SQLite database."""
    with deployment(started=False, kit_of=shared.state) as made:
        made.server.environment["SSHORE_DATABASE_URL"] = postgres.new_database()
        made.start()
        yield made
        assert PASSWORD not in made.server.log.read_text()
        assert not (made.state / "sshore.db").exists()


def test_sessions_survive_the_server_on_postgresql(on_postgres: Deployment) -> None:
    on_postgres.run_session("box", "--network", "none", "--idle-timeout", "8h")
    client = through_proxy_command(on_postgres.admin, "box", on_postgres.key("box"))
    assert client.ok("echo kept >file; cat file") == "kept\n"
    on_postgres.server.kill()
    on_postgres.server.start()
    assert client.ok("cat file") == "kept\n"
    shown = on_postgres.admin.json("show", "box")
    assert (shown["state"], shown["idle_timeout_s"]) == ("running", 8 * 3600)
    ended = until(lambda: [row for row in on_postgres.admin.json("audit") if row["end"]], "streams are recorded")
    assert {row["session"] for row in ended} == {"box"}
    ann = on_postgres.member("ann")
    assert ann.json("ls") == ann.json("audit") == []
    assert ann.run("show", "box").returncode == 3
    ann.ok("settings", "set", "language", "ko")
    assert ann.ok("settings", "get", "language") == "ko\n"


def test_a_postgresql_that_is_away_is_said_to_be_and_comes_back(shared: Deployment) -> None:
    with postgresql() as own, deployment(started=False, kit_of=shared.state) as made:
        made.server.environment["SSHORE_DATABASE_URL"] = own.new_database()
        made.start()
        made.run_session("box", "--network", "none")
        own.stop()
        refused = made.admin.run("ls")
        assert refused.returncode == 5, refused.stderr
        assert b"cannot be used" in refused.stderr and PASSWORD.encode() not in refused.stderr
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{made.url}/readyz")
        own.start()
        assert [session["state"] for session in made.admin.json("ls")] == ["running"]
        assert PASSWORD not in made.server.log.read_text()


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        (f"postgresql://sshore:{PASSWORD}@127.0.0.1:1/sshore", 5, "127.0.0.1:1/sshore cannot be used"),
        (f"mysql://sshore:{PASSWORD}@127.0.0.1/sshore", 2, "SQLite or PostgreSQL"),
        (f"{PASSWORD}", 2, "write postgresql://USER"),
    ],
)
def test_a_server_that_cannot_start_says_why(shared: Deployment, url: str, status: int, words: str) -> None:
    with deployment(started=False, kit_of=shared.state) as made:
        where = CommandLine(made.directory / "config", SSHORE_DATABASE_URL=url)
        refused = where.run("server", "--port", str(made.port), "--state", str(made.state))
        assert refused.returncode == status
        last = refused.stderr.decode().splitlines()[-1]
        assert words in last and PASSWORD not in refused.stderr.decode()
