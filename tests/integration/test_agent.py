"""The agent in a real sandbox, against the least gateway that there can be, with the real ssh."""

import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from busybox_session import BusyboxSession, busybox_session, descendants, state_of, temporary_kit, wait_until

from bench.processes import hear, running
from sshore.agent.link import receive_until
from sshore.core import layout
from sshore.kit.build import Kit
from sshore.wire.heads import LINK_PROTOCOL, switching_protocols
from sshore.wire.lines import LineError, encode_line

ECHO = """
import socket, sys, time
time.sleep(float(sys.argv[2]))
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    with server.accept()[0] as peer:
        while chunk := peer.recv(1 << 16):
            peer.sendall(chunk)
        peer.sendall(b"END")
"""
SINK = """
import socket, time
server = socket.create_server(("127.0.0.1", 7001))
peer = server.accept()[0]
time.sleep(3600)
"""


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with temporary_kit() as kit:
        yield kit


@pytest.fixture
def session(kit: Kit) -> Iterator[BusyboxSession]:
    with busybox_session(kit.path) as session:
        yield session


@pytest.fixture
def unlaunched(kit: Kit) -> Iterator[BusyboxSession]:
    with busybox_session(kit.path, apps=()) as session:
        yield session


def python_app(name: str, code: str, *arguments: str, port: int | None) -> dict[str, object]:
    command = [layout.KIT_PYTHON, "-I", "-S", "-c", code, *arguments]
    return {"call": "app.start", "app": name, "command": command, "port": port}


def app(session: BusyboxSession, name: str) -> dict[str, object]:
    apps = session.gateway.call(call="app.list")["apps"]
    assert isinstance(apps, list)
    return next(found for found in apps if found["name"] == name)


def rss_bytes(session: BusyboxSession) -> int:
    for line in Path(f"/proc/{session.agent_pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


def open_files(session: BusyboxSession) -> int:
    return len(list(Path(f"/proc/{session.agent_pid}/fd").iterdir()))


def zombies(session: BusyboxSession) -> list[int]:
    return [pid for pid in descendants(session.process.pid) if state_of(pid) == "Z"]


def test_ssh_is_refused_until_it_is_launched(unlaunched: BusyboxSession) -> None:
    gateway = unlaunched.gateway
    reply, link = gateway.ask({"open": "ssh"})
    assert (reply["ok"], reply["code"]) == (False, "app_not_launched")
    assert "launch" in str(reply["detail"])
    gateway.close(link)
    assert app(unlaunched, "ssh")["launched"] is False
    assert gateway.call(call="app.start", app="ssh") == {"ok": True}
    assert gateway.call(call="app.start", app="ssh") == {"ok": True}, "launching again is launching"
    assert unlaunched.ssh("echo in").stdout == "in\n"


def test_stopping_ssh_ends_open_connections_and_refuses_new_ones(session: BusyboxSession) -> None:
    line = ["ssh", *session.ssh_options(), "-p", str(session.gateway.port), "work@127.0.0.1", "echo in; cat"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        hear(client, b"in\n")
        assert app(session, "ssh")["connections"] == 1
        assert session.gateway.call(call="app.stop", app="ssh") == {"ok": True}
        assert client.wait(5) == 255
    assert app(session, "ssh") == {"name": "ssh", "launched": False, "connections": 0}
    assert session.ssh("true").returncode == 255
    assert session.gateway.call(call="app.stop", app="ssh") == {"ok": True}


def test_launching_says_what_sshd_says_of_its_configuration(unlaunched: BusyboxSession) -> None:
    config = unlaunched.root / "run" / "sshd_config"
    config.write_text(config.read_text() + "NoSuchKeyword yes\n")
    reply = unlaunched.gateway.call(call="app.start", app="ssh")
    assert reply["code"] == "app_failed"
    assert "NoSuchKeyword" in str(reply["detail"])
    assert app(unlaunched, "ssh")["launched"] is False


def test_an_sshd_that_ends_before_its_banner_is_in_the_log_with_what_it_said(session: BusyboxSession) -> None:
    for call in ("app.stop", "app.start"):  # answers when sshd has accepted its configuration
        assert session.gateway.call(call=call, app="ssh")["ok"]
    config = session.root / "run" / "sshd_config"
    config.write_text(config.read_text() + "NoSuchKeyword yes\n")
    reply, link = session.gateway.ask({"open": "ssh"})
    assert reply == {"ok": True, "speaks_first": True}
    assert link.recv(8) == b"", "nothing but sshd's bytes is in the stream"
    session.gateway.close(link)
    wait_until(lambda: "sshd: " in session.log and "NoSuchKeyword" in session.log)


def test_thirty_connections_at_once_all_succeed(session: BusyboxSession) -> None:
    with ThreadPoolExecutor(30) as pool:
        outputs = list(pool.map(lambda number: session.ssh(f"echo {number}").stdout, range(30)))
    assert outputs == [f"{number}\n" for number in range(30)]


def test_two_hundred_streams_leave_no_zombie_no_descriptor_and_a_small_agent(session: BusyboxSession) -> None:
    wait_until(lambda: session.gateway.links.qsize() >= 2)
    before = open_files(session)
    for _ in range(4):
        streams = [session.gateway.ask({"open": "ssh"}) for _ in range(50)]
        assert all(reply == {"ok": True, "speaks_first": True} for reply, _ in streams)
        for _, link in streams:
            assert link.recv(8) == b"SSH-2.0-"
            session.gateway.close(link)
    wait_until(lambda: app(session, "ssh")["connections"] == 0)
    wait_until(lambda: not zombies(session))
    # Up to eight links are parked after a burst, where there were two; and there is a copy of sshd's configuration.
    wait_until(lambda: open_files(session) <= before + 7)
    assert rss_bytes(session) < 15 << 20


def test_links_are_parked_again_within_two_seconds_of_a_restarted_gateway(session: BusyboxSession) -> None:
    gateway = session.gateway
    wait_until(lambda: gateway.links.qsize() >= 2)
    gateway.hang_up()
    wait_until(lambda: "no link to the gateway" in session.log)
    time.sleep(2)  # the restart takes this long; by now the agent waits as long as it ever does
    gateway.listen()
    wait_until(lambda: gateway.links.qsize() >= 2, within_s=2)
    assert session.ssh("echo again").stdout == "again\n"
    assert session.log.count("no link to the gateway") == 1, "trouble is told once"


def test_a_connection_survives_the_gateways_listener(session: BusyboxSession) -> None:
    """What the agent has handed over is no longer its own: its links may go, the stream stays."""
    reply, link = session.gateway.ask({"open": "ssh"})
    assert reply["ok"]
    session.gateway.hang_up()
    assert link.recv(8) == b"SSH-2.0-"
    session.gateway.listen()


@pytest.mark.parametrize("words", [7, "", "UNKNOWN 65535  65535", '192.0.2.7"\nPermitTTY 1 192.0.2.1 8022'])
def test_addresses_that_are_none_open_nothing(session: BusyboxSession, words: object) -> None:
    reply, link = session.gateway.ask({"open": "ssh", "connection": words})
    assert (reply["ok"], reply["code"]) == (False, "invalid_input")
    session.gateway.close(link)


def test_a_token_that_is_not_valid_is_told_once(kit: Kit) -> None:
    with busybox_session(kit.path) as session:
        gateway = session.gateway
        wait_until(lambda: gateway.links.qsize() >= 2)
        gateway.token = "another"
        gateway.close(gateway.take())
        gateway.close(gateway.take())
        wait_until(lambda: "token is not valid" in session.log or "no link" in session.log)
        gateway.token = session.token
        wait_until(lambda: gateway.links.qsize() >= 2)
        assert session.log.count("no link to the gateway") == 1


def test_bytes_sent_together_with_the_open_line_reach_the_daemon(session: BusyboxSession) -> None:
    link = session.gateway.take()
    link.settimeout(10)
    link.sendall(encode_line({"open": "ssh"}) + b"NOT-SSH\r\n")
    received = b""
    while chunk := link.recv(4096):
        received += chunk
    assert received.startswith(b'{"ok":true,"speaks_first":true}\nSSH-2.0-')
    assert b"Invalid SSH identification string" in received
    session.gateway.close(link)


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{}\n",
        b"not json\n",
        b"[1]\n",
        b'{"open":7}\n',
        b'{"open":"ssh","host_key":"forged"}\n',
        b'{"open":"ssh","host_key":["plain"]}\n',
        b'{"call":"no.such"}\n',
        b"[" * 60000 + b"\n",
        b"x" * 70000,
        b'{"call":"app.start"}\n',
        encode_line({"call": "app.start", "app": "x", "command": "not a list"}),
    ],
)
def test_malformed_lines_are_answered_and_the_agent_goes_on(session: BusyboxSession, line: bytes) -> None:
    reply, link = session.gateway.ask(line)
    assert (reply["ok"], reply["code"]) == (False, "invalid_input"), reply
    session.gateway.close(link)
    assert session.gateway.call(call="ping")["ok"]


def test_an_app_is_started_once_streams_both_ways_and_stops(session: BusyboxSession) -> None:
    gateway = session.gateway
    start = python_app("echo", ECHO, "7000", "0.3", port=7000)
    assert gateway.call(**start) == {"ok": True}
    assert gateway.call(**start) == {"ok": True}
    assert isinstance(app(session, "echo")["pid"], int)
    sent = os.urandom(20 << 20)
    received = hashlib.sha256()
    reply, link = gateway.ask({"open": "echo"})
    assert reply == {"ok": True}
    link.settimeout(30)
    sender = threading.Thread(target=lambda: (link.sendall(sent), link.shutdown(socket.SHUT_WR)))
    sender.start()
    while chunk := link.recv(1 << 16):
        received.update(chunk)
    sender.join()
    # The app answers to the end of its input, so a half-closed stream must stay open the other way.
    assert received.digest() == hashlib.sha256(sent + b"END").digest()
    gateway.close(link)
    wait_until(lambda: app(session, "echo")["connections"] == 0)
    assert gateway.call(call="app.stop", app="echo") == {"ok": True}
    reply, link = gateway.ask({"open": "echo"})
    assert reply["code"] == "not_found"
    gateway.close(link)


def test_checksums_are_made_in_the_home_and_end_with_their_stream(session: BusyboxSession) -> None:
    (session.home / "file").write_bytes(b"content")
    wait_until(lambda: not descendants(session.agent_pid))  # sshd looks at its configuration
    reply, link = session.gateway.ask({"open": "check"})
    assert reply == {"ok": True}
    link.settimeout(30)
    link.sendall(encode_line({"path": "file"}))
    with link.makefile("rb") as lines:
        said = next(line for line in map(json.loads, lines) if "sha256" in line)  # the others tell that it reads on
    assert said["sha256"] == hashlib.sha256(b"content").hexdigest()
    wait_until(lambda: len(descendants(session.agent_pid)) == 1)
    session.gateway.close(link)
    wait_until(lambda: not descendants(session.agent_pid))
    reply, link = session.gateway.ask({"open": "check"})
    assert session.gateway.call(call="app.stop", app="ssh") == {"ok": True}
    wait_until(lambda: not descendants(session.agent_pid))
    session.gateway.close(link)


def test_a_stalled_reader_does_not_fill_the_agent(session: BusyboxSession) -> None:
    gateway = session.gateway
    assert gateway.call(**python_app("sink", SINK, port=7001))["ok"]
    # The first connection was the agent's own look whether the port accepts; the app reads from none.
    reply, link = gateway.ask({"open": "sink"})
    assert reply["ok"]
    link.setblocking(False)
    wait_until(lambda: _is_full(link), within_s=20)
    assert rss_bytes(session) < 20 << 20
    assert gateway.call(call="ping")["ok"]
    gateway.close(link)


def _is_full(link: socket.socket) -> bool:
    try:
        for _ in range(100):
            link.send(bytes(1 << 16))
    except BlockingIOError:
        time.sleep(0.2)
        try:
            link.send(b"x")
        except BlockingIOError:
            return True
    return False


def test_a_stream_waits_for_an_app_that_is_starting(session: BusyboxSession) -> None:
    gateway = session.gateway
    threads = threading.Thread(target=lambda: gateway.call(**python_app("slow", ECHO, "7002", "1.0", port=7002)))
    threads.start()
    wait_until(lambda: any(a["name"] == "slow" for a in gateway.call(call="app.list")["apps"]))  # type: ignore[union-attr,index]
    reply, link = gateway.ask({"open": "slow"})
    assert reply == {"ok": True}
    gateway.close(link)
    threads.join()


def test_a_dead_app_says_how_it_died(session: BusyboxSession) -> None:
    gateway = session.gateway
    reply = gateway.call(**python_app("dies", "raise SystemExit(3)", port=7003))
    assert (reply["code"], "exit status 3" in str(reply["detail"])) == ("app_failed", True)
    reply, link = gateway.ask({"open": "dies"})
    assert (reply["code"], "exit status 3" in str(reply["detail"])) == ("app_failed", True)
    gateway.close(link)
    assert app(session, "dies")["exit_status"] == 3
    reply = gateway.call(call="app.start", app="absent", command=["/no/such/program"], port=7004)
    assert (reply["code"], "No such file" in str(reply["detail"])) == ("app_failed", True)


def test_an_app_runs_in_the_home_with_the_sessions_environment(session: BusyboxSession) -> None:
    script = "pwd >place; env >environment; exec sleep 1000"
    assert session.gateway.call(call="app.start", app="looks", command=["sh", "-c", script]) == {"ok": True}
    wait_until(lambda: "HOME=" in _text(session.home / "environment"))
    assert _text(session.home / "place") == "/home/work\n"
    assert "USER=work" in _text(session.home / "environment").splitlines()


def test_sigterm_ends_the_agent_and_its_children_in_order(session: BusyboxSession) -> None:
    gateway = session.gateway
    stubborn = "trap '' TERM; echo >trapped; while true; do sleep 1; done"
    assert gateway.call(call="app.start", app="stubborn", command=["sh", "-c", stubborn]) == {"ok": True}
    wait_until((session.home / "trapped").exists)
    os.kill(session.agent_pid, signal.SIGTERM)
    # bwrap passes on the exit status of what it runs.
    assert session.process.wait(10) == 0
    assert session.log.splitlines()[-1].endswith("stubborn was killed by SIGKILL")


def test_ping_tells_version_and_size(session: BusyboxSession) -> None:
    reply = session.gateway.call(call="ping")
    assert reply["version"]
    assert abs(int(str(reply["rss_bytes"])) - rss_bytes(session)) < 2 << 20


def test_an_agent_links_over_tcp_where_there_is_no_shared_directory(kit: Kit, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = {"session": "s", "token": "T0k", "gateway": f"127.0.0.1:{listener.getsockname()[1]}", "new": "unknown"}
        (tmp_path / "agent.json").write_text(json.dumps(config))
        command = [sys.executable, "-I", "-S", kit.path / "agent", tmp_path / "agent.json"]
        listener.settimeout(10)
        with running([*map(str, command)]) as agent:
            link, _ = listener.accept()
            with link:
                link.settimeout(10)
                head = link.recv(4096)
                assert b"Authorization: Bearer T0k\r\n" in head
                # Both at once, as a fast network brings them: the line must not be lost behind the head.
                link.sendall(switching_protocols(LINK_PROTOCOL) + encode_line({"call": "ping"}))
                assert b'"ok":true' in link.recv(4096)
            agent.send_signal(signal.SIGHUP)
        assert agent.returncode == 0


def test_an_agent_without_its_configuration_says_which_file(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-m", "sshore.agent", tmp_path / "absent.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert (done.returncode, "absent.json" in done.stderr) == (1, True)


def test_a_line_is_read_to_its_end_and_not_one_byte_beyond() -> None:
    left, right = socket.socketpair()
    with left, right:
        right.setblocking(False)
        received = bytearray()
        assert not receive_until(right, received, b"\r\n\r\n", 100)
        for piece in (b"head\r", b"\n\r"):
            left.send(piece)
            assert not receive_until(right, received, b"\r\n\r\n", 100)
        left.send(b"\nrest")
        assert receive_until(right, received, b"\r\n\r\n", 100)
        assert (bytes(received), right.recv(100)) == (b"head\r\n\r\n", b"rest")
        left.send(b"y" * 200)
        with pytest.raises(LineError):
            receive_until(right, bytearray(), b"\n", 100)
        left.close()
        with pytest.raises(ConnectionError):
            while True:
                receive_until(right, bytearray(), b"\n", 1000)


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def test_more_connections_than_a_session_may_have_files_open(kit: Kit) -> None:
    """The agent holds a descriptor for each; its limit is its own, and programs in the session keep theirs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        try:
            session = stack.enter_context(busybox_session(kit.path))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(80):
            reply, link = session.gateway.ask({"open": "ssh"})
            stack.callback(session.gateway.close, link)
            assert reply == {"ok": True, "speaks_first": True}
            assert link.recv(8) == b"SSH-2.0-"
        assert session.ssh("ulimit -S -n").stdout == "64\n"
