"""`sshore doctor`: the first thing that is wrong, and how to mend it."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import SSHORE, CommandLine
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


def last_of(found: dict[str, str]) -> str:
    """The last step of those that a connection needs."""
    return [step for step in found if not step.startswith("server here: ")][-1]


def test_all_is_well_as_far_as_the_daemon(sshore: CommandLine) -> None:
    status, found = findings(sshore, "demo")
    assert status == 0
    assert [step for step in found if not step.startswith("server here: ")] == [*STEPS, "session", "stream"]
    assert found["stream"].startswith("SSH-2.0-OpenSSH_9.9")


def test_a_server_that_is_down(sshore: CommandLine, server: FakeServer) -> None:
    server.stop()
    status, found = findings(sshore)
    assert status == 5
    assert last_of(found) == "connection"
    assert "start it with: sshore up" in found["connection"]


def test_a_wrong_token(sshore: CommandLine) -> None:
    sshore.environment["SSHORE_TOKEN"] = "other"
    status, found = findings(sshore)
    assert (status, last_of(found)) == (4, "token")


def test_an_app_that_is_not_launched(sshore: CommandLine, server: FakeServer) -> None:
    server.sessions["demo"]["launched"] = []
    status, found = findings(sshore, "demo")
    assert (status, last_of(found)) == (1, "session")
    assert "sshore app start demo ssh" in found["session"]


def test_no_login(tmp_path: Path) -> None:
    status, found = findings(CommandLine(tmp_path / "config"))
    assert (status, last_of(found)) == (4, "login")
    assert "server here: sandbox" in found, "there may be one yet"


def test_what_a_server_on_this_machine_would_miss_is_said_and_is_no_failure(sshore: CommandLine) -> None:
    """In mounts of its own the device and the control groups are hidden, as in many a container."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to hide them")
    hide = "for place in /dev/net /sys/fs/cgroup; do mount -t tmpfs none $place; done"
    words = ["unshare", "--mount", "sh", "-ec", f'{hide}; exec "$@"', "-", SSHORE, "doctor"]
    done = subprocess.run(words, env=sshore.environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    connection, here = done.stdout.split("\nA server that you start on this machine:\n")
    assert "miss" not in connection
    lines = {line[6:22].strip(): line for line in here.splitlines()}
    assert lines["network nat"].startswith("miss") and "sudo modprobe tun" in lines["network nat"]
    for option in ("--cpus", "--memory", "--pids"):
        assert lines[f"limit {option}"].startswith("miss") and "leave the limit out" in lines[f"limit {option}"]
    assert lines["programs"].startswith("ok")
    for line in here.splitlines():
        assert "Traceback" not in line
