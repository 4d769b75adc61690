"""The local proxy: real processes and sockets, against a server that the test controls."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from fake_server import HOST_KEY_FINGERPRINT, FakeServer, echo, session
from filelock import FileLock
from free_port import free_port

from sshore.wire.problems import Code, Problem

_EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def sshore(tmp_path: Path, server: FakeServer) -> Iterator[CommandLine]:
    command_line = CommandLine(tmp_path / "config")
    command_line.ok("login", server.url, "--token", server.token)
    yield command_line
    command_line.close()


def dial(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, port), timeout=20)


def receive_all(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def eventually(check: Callable[[], bool], within_s: float = 15) -> None:
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def health(sshore: CommandLine) -> dict[str, str]:
    return {forward["session"]: forward["health"] for forward in sshore.json("forwards")}


def test_connect_launches_ssh_and_prints_the_card(sshore: CommandLine, server: FakeServer) -> None:
    card = sshore.json("connect", "demo")
    assert server.launches == ["ssh"]
    assert card["url"] == f"ssh://work@localhost:{card['port']}"
    assert Path(card["key_file"]).read_text() == "PRIVATE\n"
    known = Path(card["known_hosts_file"]).read_text()
    assert f"[localhost]:{card['port']}" in known
    assert card["host_key_fingerprint"] == HOST_KEY_FINGERPRINT


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_client_speaks_through_the_port_and_half_close_passes(sshore: CommandLine, host: str) -> None:
    port = sshore.json("connect", "demo")["port"]
    with dial(port, host) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        client.shutdown(socket.SHUT_WR)
        assert receive_all(client) == b"bye"


def test_an_end_that_comes_with_the_first_bytes_passes(sshore: CommandLine) -> None:
    port = sshore.json("connect", "demo")["port"]
    for _ in range(20):
        with dial(port) as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            assert receive_all(client) == b"hellobye"


def test_the_server_side_may_end_first(sshore: CommandLine, server: FakeServer) -> None:
    heard = []

    def greet(stream: socket.socket) -> None:
        stream.sendall(b"welcome")
        stream.shutdown(socket.SHUT_WR)
        heard.append(receive_all(stream))

    server.app = greet
    with dial(sshore.json("connect", "demo")["port"]) as client:
        assert receive_all(client) == b"welcome"
        client.sendall(b"last words")
    eventually(lambda: heard == [b"last words"])


def test_a_refused_client_is_told_as_ssh_tells_it_and_so_is_the_health(sshore: CommandLine, server: FakeServer) -> None:
    port = sshore.json("connect", "demo")["port"]
    server.refuse_streams = Problem(Code.APP_NOT_LAUNCHED, "SSH is not launched: sshore app start demo ssh")
    server.sessions["demo"]["launched"] = []
    with dial(port) as client:
        client.sendall(b"SSH-2.0-client\r\n" + bytes(1 << 20))  # unread, it would have the socket reset
        said = receive_all(client)
    assert said.startswith(b"SSH-2.0-Sshore\r\n")
    assert b"SSH is not launched: sshore app start demo ssh" in said
    (forward,) = sshore.json("forwards")
    assert forward["health"] == "app_not_launched"
    assert "sshore app start demo ssh" in forward["detail"]


def test_a_client_is_held_while_the_server_restarts(sshore: CommandLine, server: FakeServer) -> None:
    port = sshore.json("connect", "demo")["port"]
    server.stop()
    with dial(port) as client:
        client.sendall(b"hello")
        assert health(sshore) == {"demo": "server_unreachable"}
        server.start()
        assert client.recv(100) == b"hello"
    eventually(lambda: health(sshore) == {"demo": "ok"})


def test_a_server_that_cannot_at_the_moment_is_asked_again(sshore: CommandLine, server: FakeServer) -> None:
    port = sshore.json("connect", "demo")["port"]
    server.refuse_streams = Problem(Code.NO_LINK, "the agent is out of touch")
    with dial(port) as client:
        client.sendall(b"hello")
        threading.Timer(0.5, lambda: setattr(server, "refuse_streams", None)).start()
        assert client.recv(100) == b"hello"


def test_a_slow_reader_slows_the_writer_down(sshore: CommandLine, server: FakeServer) -> None:
    sent = 0

    def pour(stream: socket.socket) -> None:
        nonlocal sent
        stream.settimeout(1)
        try:
            while True:
                sent += stream.send(bytes(65536))
        except TimeoutError:
            done.set()

    done = threading.Event()
    server.app = pour
    with dial(sshore.json("connect", "demo")["port"]):
        assert done.wait(20)
    assert sent < 20 << 20


def _connect_at_free_port(sshore: CommandLine, session: str) -> int:
    port = free_port()
    assert sshore.json("connect", session, "--port", str(port))["port"] == port
    return port


def test_killed_and_started_the_forwards_have_their_ports(sshore: CommandLine, server: FakeServer) -> None:
    ports = {name: _connect_at_free_port(sshore, name) for name in ("demo", "other")}
    launches = len(server.launches)
    os.kill(sshore.proxy_pid(), signal.SIGKILL)
    assert sshore.run("forwards").returncode == 5
    sshore.ok("proxy", "start")
    assert {forward["session"]: forward["port"] for forward in sshore.json("forwards")} == ports
    assert len(server.launches) == launches
    with dial(ports["other"]) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_it_waits_for_one_that_is_about_to_end(sshore: CommandLine) -> None:
    ending = FileLock(sshore.config / "proxy.lock", mode=0o600)
    ending.acquire()
    with sshore.popen("proxy", stdout=subprocess.PIPE) as next_one:
        try:
            assert next_one.stdout is not None
            with pytest.raises(subprocess.TimeoutExpired):
                next_one.wait(1)
            ending.release()
            assert next_one.stdout.readline() == b"the local proxy runs, with 0 forwards; Ctrl-C ends it\n"
        finally:
            next_one.terminate()


def test_a_port_that_was_taken_meanwhile_is_waited_for(sshore: CommandLine) -> None:
    port = _connect_at_free_port(sshore, "demo")
    sshore.ok("proxy", "stop")
    with socket.create_server(("127.0.0.1", port)):
        sshore.ok("proxy", "start")
        eventually(lambda: health(sshore) == {"demo": "port_taken"})
    eventually(lambda: health(sshore) == {"demo": "ok"})
    with dial(port) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_the_preferred_port_is_used_and_when_busy_another_and_the_user_is_told(
    sshore: CommandLine, server: FakeServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = other.getsockname()[1]
        server.preferred_port = str(busy)
        done = sshore.run("connect", "demo", "--json")
    card = json.loads(done.stdout)
    assert card["port"] != busy
    assert f"port {busy} is taken" in card["notes"][0]
    assert card["notes"][0] in done.stderr.decode()
    assert sshore.json("connect", "other")["port"] == busy


def test_two_sessions_cannot_have_one_port(sshore: CommandLine) -> None:
    first = sshore.json("connect", "demo", "--port", "23456")
    second = sshore.json("connect", "other", "--port", "23456")
    assert (first["port"], first["notes"]) == (23456, [])
    assert second["port"] != 23456
    assert "another forward has it" in second["notes"][0]


def test_a_port_outside_the_recommended_ones_is_warned_about(sshore: CommandLine) -> None:
    card = sshore.json("connect", "demo", "--port", "9022")
    assert (card["port"], len(card["notes"])) == (9022, 1)
    assert "outside 10000-65000" in card["notes"][0]


def test_a_session_gets_its_last_port_again(sshore: CommandLine) -> None:
    port = sshore.json("connect", "demo", "--port", "23457")["port"]
    sshore.ok("disconnect", "demo")
    with pytest.raises(ConnectionRefusedError):
        dial(port)
    assert sshore.json("forwards") == []
    assert sshore.json("connect", "demo")["port"] == port


def test_an_open_forward_keeps_its_port_and_connections(sshore: CommandLine, server: FakeServer) -> None:
    port = sshore.json("connect", "demo")["port"]
    with dial(port) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        server.preferred_port = "23458"
        assert sshore.json("connect", "demo")["port"] == port
        client.sendall(b"still here")
        assert client.recv(100) == b"still here"


def test_a_removed_session_shows_as_gone(sshore: CommandLine, server: FakeServer) -> None:
    sshore.json("connect", "demo")
    del server.sessions["demo"]
    assert health(sshore) == {"demo": "session_gone"}


def test_a_session_made_anew_takes_over_the_port_of_the_old_one(sshore: CommandLine, server: FakeServer) -> None:
    port = sshore.json("connect", "demo", "--port", "23459")["port"]
    server.sessions["demo"] = session("demo", id="id-new")
    card = sshore.json("connect", "demo")
    (note,) = card["notes"]
    assert card["port"] == port and "ssh-keygen -R '[localhost]:23459'" in note
    assert sshore.json("connect", "demo")["notes"] == []
    assert len(sshore.json("forwards")) == 1


def test_two_connects_at_once_start_one_local_proxy(sshore: CommandLine) -> None:
    both = [sshore.popen("connect", name, "--json", stdout=subprocess.PIPE) for name in ("demo", "other")]
    ports = {json.loads(process.communicate(timeout=30)[0])["port"] for process in both}
    assert len(ports) == 2
    assert {forward["port"] for forward in sshore.json("forwards")} == ports


def test_an_unknown_session_comes_with_names_like_it(sshore: CommandLine) -> None:
    done = sshore.run("connect", "dmeo")
    assert done.returncode == 3
    assert b"did you mean demo" in done.stderr


def test_web_pages_cannot_drive_it(sshore: CommandLine) -> None:
    sshore.ok("proxy", "start")
    address = json.loads((sshore.config / "proxy.json").read_text())
    authorised = {"Authorization": f"Bearer {address['token']}"}
    for headers, status in [
        (authorised, 200),
        ({}, 401),
        ({**authorised, "Origin": "https://evil.example"}, 403),
        ({**authorised, "Host": f"evil.example:{address['port']}"}, 403),
    ]:
        connection = http.client.HTTPConnection("127.0.0.1", address["port"])
        connection.request("GET", "/api/v1/forwards", headers=headers)
        assert connection.getresponse().status == status
        connection.close()


def test_by_its_port_it_is_spoken_to_when_it_has_proved_itself(sshore: CommandLine, server: FakeServer) -> None:
    port = sshore.json("connect", "demo")["port"]
    address = _address_without_socket(sshore)
    assert [forward["port"] for forward in sshore.json("forwards")] == [port]
    # Once it is killed, somebody else listens there: it sees neither the token of the local proxy nor of the server.
    os.kill(address["pid"], signal.SIGKILL)
    eventually(lambda: not _listens(address["port"]))
    with socket.create_server(("127.0.0.1", address["port"])) as stranger, _written_to(stranger) as heard:
        assert b"it brings back 1 forward" in sshore.run("forwards").stderr
        assert sshore.json("connect", "demo")["port"] == port
    said = b"".join(heard)
    assert said.startswith(b"GET /api/v1/proof?nonce=")
    assert address["token"].encode() not in said
    assert server.token.encode() not in said


def test_no_token_is_in_what_it_is_asked(sshore: CommandLine, server: FakeServer) -> None:
    sshore.ok("proxy", "start")
    sshore.ok("proxy", "stop")
    own, here = sshore.config / "proxy.socket", {"pid": os.getpid(), "port": 1, "token": "none"}
    eventually(lambda: not own.exists())
    (sshore.config / "proxy.json").write_text(json.dumps({**here, "socket": str(own)}))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(own))
        listener.listen()
        with _written_to(listener) as heard:
            refused = sshore.run("connect", "demo")
    said = b"".join(heard)
    assert b"POST /api/v1/forwards" in said
    assert b'"session": "demo"' in said
    assert server.token.encode() not in said
    assert not list((sshore.config / "handed").iterdir())
    assert (refused.returncode, b"of another version" in refused.stderr) == (5, True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _address_without_socket(sshore: CommandLine) -> dict[str, Any]:
    """As on a system, or in a directory, that has no Unix sockets."""
    address: dict[str, Any] = json.loads((sshore.config / "proxy.json").read_text())
    (sshore.config / "proxy.json").write_text(json.dumps({**address, "socket": ""}))
    return address


@contextmanager
def _written_to(listener: socket.socket) -> Iterator[list[bytes]]:
    """What is written to a listener that has an empty answer for every request."""
    heard: list[bytes] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(2)
                    with suppress(OSError):
                        while data := connection.recv(65536):
                            heard.append(data)
                            connection.sendall(_EMPTY * data.count(b" HTTP/1.1\r\n"))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_what_it_writes_is_the_users_alone(sshore: CommandLine) -> None:
    sshore.json("connect", "demo")
    files = [path for path in sshore.config.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"proxy.json", "forwards.json", "id_container", "credentials.json"}
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_another_users_token_is_kept_with_the_forward(tmp_path: Path, server: FakeServer) -> None:
    environment = {"SSHORE_SERVER": server.url, "SSHORE_TOKEN": server.token}
    guest = CommandLine(tmp_path / "guest", **environment)
    try:
        port = _connect_at_free_port(guest, "demo")
        os.kill(guest.proxy_pid(), signal.SIGKILL)
        guest.ok("proxy", "start")
        with dial(port) as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"
    finally:
        guest.close()


ANOTHER_USERS_UID = 65534
_KNOCK = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10) as connection:
    connection.sendall(b"SSH-2.0-x\\r\\n")
    connection.shutdown(socket.SHUT_WR)
    said = b""
    while data := connection.recv(4096):
        said += data
    sys.stdout.buffer.write(said)
"""


def knock(port: int, host: str, uid: int) -> bytes:
    """What a program of a user hears at a local port."""
    words = ["/usr/bin/python3", "-I", "-c", _KNOCK, host, str(port)]
    return subprocess.run(words, capture_output=True, check=True, timeout=20, user=uid, cwd="/").stdout


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be another user as well")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_user_of_the_machine_takes_no_stream(sshore: CommandLine, server: FakeServer, host: str) -> None:
    opened = []
    server.app = lambda stream: opened.append(echo(stream))
    port = sshore.json("connect", "demo")["port"]
    said = knock(port, host, ANOTHER_USERS_UID)
    assert b"this local port is another user's" in said
    assert opened == []
    assert sshore.json("forwards")[0]["health"] == "ok"
    assert knock(port, host, os.geteuid()) == b"SSH-2.0-x\r\nbye"
    assert len(opened) == 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be another user as well")
def test_other_users_may_connect_where_the_owner_says_so(tmp_path: Path, server: FakeServer) -> None:
    words = {"SSHORE_SERVER": server.url, "SSHORE_TOKEN": server.token, "SSHORE_LOCAL_PORTS": "all"}
    sshore = CommandLine(tmp_path / "config", **words)
    try:
        port = sshore.json("connect", "demo")["port"]
        assert knock(port, "127.0.0.1", ANOTHER_USERS_UID) == b"SSH-2.0-x\r\nbye"
    finally:
        sshore.close()
