"""`sshore doctor`: the first thing that is wrong, and how to mend it."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from fake_server import FakeServer

STEPS = ["config directory", "OpenSSH", "login", "name", "connection", "server", "token", "local proxy"]


def greet(stream: socket.socket) -> None:
    stream.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
    stream.recv(100)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer(greet) as server:
        yield server


@pytest.fixture
def sshore(tmp_path: Path, server: FakeServer) -> CommandLine:
    return CommandLine(tmp_path / "config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token)


def findings(sshore: CommandLine, *arguments: str) -> tuple[int, dict[str, str]]:
    """The exit status, and what was found by step; the last one is the one that failed, if any."""
    done = sshore.run("doctor", *arguments, "--json")
    return done.returncode, {finding["step"]: finding["detail"] for finding in json.loads(done.stdout)}


def test_all_is_well_as_far_as_the_daemon(sshore: CommandLine) -> None:
    status, found = findings(sshore, "demo")
    assert status == 0
    assert list(found) == [*STEPS, "session", "stream"]
    assert found["stream"].startswith("SSH-2.0-OpenSSH_9.9")


def test_a_server_that_is_down(sshore: CommandLine, server: FakeServer) -> None:
    server.stop()
    status, found = findings(sshore)
    assert status == 5
    assert list(found)[-1] == "connection"
    assert "start it with: sshore up" in found["connection"]


def test_a_wrong_token(sshore: CommandLine) -> None:
    sshore.environment["SSHORE_TOKEN"] = "other"
    status, found = findings(sshore)
    assert (status, list(found)[-1]) == (4, "token")


def test_an_app_that_is_not_launched(sshore: CommandLine, server: FakeServer) -> None:
    server.sessions["demo"]["launched"] = []
    status, found = findings(sshore, "demo")
    assert (status, list(found)[-1]) == (1, "session")
    assert "sshore app start demo ssh" in found["session"]


def test_no_login(tmp_path: Path) -> None:
    status, found = findings(CommandLine(tmp_path / "config"))
    assert (status, list(found)[-1]) == (4, "login")
