"""Which local port a session gets, and what its owner is told (R8)."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from ssh_client import through_forward

from integration.free_port import free_port
from sshore.proxy.forwards import Card

SETTING = "preferred-ssh-port"


@pytest.fixture(scope="module")
def eve(shared: Deployment) -> Owner:
    """An owner with two sessions, and with settings that are nobody else's."""
    eve = shared.member("erin")
    for name in ("first", "second"):
        eve.run_session(name, "--network", "none")
    return eve


@pytest.fixture(autouse=True)
def nothing_is_connected(eve: Owner) -> Iterator[None]:
    """Each test begins without forwards and without a preferred port."""
    yield
    for forward in eve.json("forwards"):
        eve.ok("disconnect", forward["session"])
    eve.ok("settings", "set", SETTING, "")


def prefer(eve: Owner, port: int) -> str:
    """Set the preferred port; what is said about it is returned."""
    done = eve.run("settings", "set", SETTING, str(port))
    assert done.returncode == 0, done.stderr
    return done.stderr.decode()


def listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((host, port))
    listener.listen()
    return listener


def banner(host: str, port: int) -> bytes:
    with socket.create_connection((host, port), timeout=10) as client:
        return client.recv(8)


def test_the_preferred_port_is_used_on_both_loopback_addresses(eve: Owner) -> None:
    port = free_port()
    assert prefer(eve, port) == ""
    card = eve.connect("first")
    assert (card.port, card.notes, card.url) == (port, [], f"ssh://work@localhost:{port}")
    assert banner("127.0.0.1", port) == banner("::1", port) == b"SSH-2.0-"
    assert through_forward(eve, card).ok("whoami") == "work\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_another_program_has_is_not_used_and_that_is_told(eve: Owner, host: str) -> None:
    port = free_port()
    prefer(eve, port)
    with closing(listen(host, port)):
        done = eve.run("connect", "first")
        card = eve.connect("first")
    assert done.returncode == 0
    assert f"port {port} is taken (another program has it); this session got port {card.port}" in done.stderr.decode()
    assert card.port != port
    assert through_forward(eve, card).ok("hostname") == "first\n"


def test_a_card_in_json_says_that_the_port_was_taken(eve: Owner) -> None:
    port = free_port()
    with closing(listen("127.0.0.1", port)):
        card = eve.connect("first", "--port", str(port))
    assert card.port != port
    assert [f"port {port} is taken" in note for note in card.notes] == [True]


def test_a_second_session_gets_another_port_and_its_owner_is_told(eve: Owner) -> None:
    port = free_port()
    prefer(eve, port)
    first, second = eve.connect("first"), eve.connect("second")
    assert (first.port, first.notes) == (port, [])
    assert second.port != port
    (note,) = second.notes
    assert f"port {port} is taken (another forward has it)" in note
    for card in (first, second):
        assert through_forward(eve, card).ok("hostname") == f"{card.session}\n"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "22.5", "ssh", "١٢"])
def test_what_is_no_port_is_refused(eve: Owner, port: str) -> None:
    for command in (["settings", "set", SETTING, "--", port], ["connect", "first", f"--port={port}"]):
        done = eve.run(*command)
        assert done.returncode == 2
        assert b"is no port: give a number from 1 to 65535" in done.stderr
    assert eve.ok("settings", "get", SETTING) == "\n"
    assert eve.json("forwards") == []


def test_a_port_outside_the_recommended_range_is_used_with_a_warning(eve: Owner) -> None:
    port = port_below_10000()
    assert f"port {port} lies outside 10000-65000" in prefer(eve, port)
    assert eve.ok("settings", "get", SETTING) == f"{port}\n"
    card = eve.connect("first")
    assert card.port == port
    assert [f"port {port} lies outside 10000-65000" in note for note in card.notes] == [True]


def test_the_last_port_is_remembered_and_the_port_is_free_meanwhile(eve: Owner) -> None:
    port = free_port()
    assert eve.connect("first", "--port", str(port)).port == port
    eve.ok("disconnect", "first")
    with pytest.raises(ConnectionRefusedError):
        banner("127.0.0.1", port)
    assert eve.connect("second").port != port
    card = eve.connect("first")
    assert (card.port, card.notes) == (port, [])


def test_a_forward_moves_to_the_port_that_is_asked_for(eve: Owner) -> None:
    old, new = eve.connect("first").port, free_port()
    card = eve.connect("first", "--port", str(new))
    assert card.port == new
    assert through_forward(eve, card).ok("whoami") == "work\n"
    with pytest.raises(ConnectionRefusedError):
        banner("127.0.0.1", old)


def test_a_forward_that_comes_back_to_a_taken_port_says_so_and_the_next_connect_moves_it(eve: Owner) -> None:
    port = free_port()
    assert eve.connect("first", "--port", str(port)).port == port
    eve.ok("proxy", "stop")
    with closing(listen("127.0.0.1", port)):
        eve.ok("proxy", "start")
        (forward,) = eve.json("forwards")
        assert (forward["health"], forward["port"]) == ("port_taken", port)
        card = eve.connect("first")
        assert card.port != port
        assert [f"port {port} is taken" in note for note in card.notes] == [True]
        assert through_forward(eve, card).ok("whoami") == "work\n"


class TestAPortThatWasAnothersBefore:
    """`ssh` with a known_hosts of its user's own remembers whose host key it saw behind a port."""

    def test_a_new_session_gets_a_port_that_nobody_had(self, eve: Owner, tmp_path: Path) -> None:
        before = eve.connect("first")
        assert own_ssh(eve, before, tmp_path).returncode == 0
        eve.ok("disconnect", "first")
        after = eve.connect("second")
        assert after.port != before.port
        assert (after.notes, after.forget_command) == ([], "")
        assert own_ssh(eve, after, tmp_path).returncode == 0

    def test_where_it_must_be_that_one_the_line_that_mends_it_is_told(self, eve: Owner, tmp_path: Path) -> None:
        port = free_port()
        assert own_ssh(eve, eve.connect("first", "--port", str(port)), tmp_path).returncode == 0
        eve.ok("disconnect", "first")
        prefer(eve, port)

        done = eve.run("connect", "second", "--json")
        card = Card(**json.loads(done.stdout))
        assert (card.port, card.forget_command) == (port, f"ssh-keygen -R '[localhost]:{port}'")
        assert card.forget_command in done.stderr.decode() and [card.forget_command in note for note in card.notes]
        changed = own_ssh(eve, card, tmp_path)
        assert b"REMOTE HOST IDENTIFICATION HAS CHANGED" in changed.stderr
        subprocess.run(f"{card.forget_command} -f known_hosts", shell=True, cwd=tmp_path, check=True)
        assert own_ssh(eve, card, tmp_path).returncode == 0

        again = eve.run("connect", "second")
        assert b"ssh-keygen" not in again.stderr, "it is told once"
        eve.ok("disconnect", "second")
        assert b"ssh-keygen -R" in eve.run("connect", "first").stderr, "whoever comes back comes to another's, too"

    def test_printed_it_is_on_the_card(self, eve: Owner) -> None:
        port = free_port()
        for name in ("first", "second"):
            shown = eve.ok("connect", name, "--port", str(port))
            eve.ok("disconnect", name)
        assert f"old host key  ssh-keygen -R '[localhost]:{port}'\n" in shown


def own_ssh(eve: Owner, card: Card, directory: Path) -> "subprocess.CompletedProcess[bytes]":
    """`ssh` as somebody types it who has read nothing: with a known_hosts of one's own."""
    client = through_forward(eve, card)
    known = {"UserKnownHostsFile": str(directory / "known_hosts"), "StrictHostKeyChecking": "accept-new"}
    return client.having(**known).run("true")


def port_below_10000() -> int:
    """A port that nothing listens on, of those that are not recommended."""
    for port in range(9999, 9000, -1):
        try:
            with closing(listen("127.0.0.1", port)), closing(listen("::1", port)):
                return port
        except OSError:
            continue
    raise AssertionError("every port from 9001 to 9999 is taken")
