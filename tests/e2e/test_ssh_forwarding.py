"""Real `ssh`: ports forwarded both ways and by SOCKS, the agent, X11, connections shared by ControlMaster."""

import contextlib
import re
import shlex
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment
from host_processes import until
from programs import need
from ssh_agent import ssh_agent
from ssh_client import SshClient, run, through_forward

from bench.processes import hear
from integration.free_port import free_port

pytestmark = pytest.mark.every_engine

_GREETER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    connection, _ = server.accept()
    connection.sendall(b"hello, " + connection.recv(100))
    connection.close()
"""

_SOCKET_READER = """
import socket
with socket.socket(socket.AF_UNIX) as back:
    back.connect("/home/work/back.sock")
    back.shutdown(socket.SHUT_WR)
    print(b"".join(iter(lambda: back.recv(100), b"")).decode(), end="")
"""

# The setup of a connection, with the cookie by which ssh tells who may (X Window System Protocol, chapter 8).
_X11_PROGRAM = """
import socket, sys
display, _, name, cookie = sys.argv[1:]
assert display.startswith("localhost:") and name == "MIT-MAGIC-COOKIE-1"
with socket.create_connection(("127.0.0.1", 6000 + int(display.split(":")[1].split(".")[0]))) as screen:
    lengths = bytes([18, 0, 16, 0, 0, 0])
    screen.sendall(b"l" + bytes([0, 11, 0, 0, 0]) + lengths + name.encode() + bytes(2) + bytes.fromhex(cookie))
    print(screen.recv(100).decode())
"""


@contextlib.contextmanager
def connection(client: SshClient, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """A connection with forwards that are set up; it ends with its stdin."""
    with client.start("echo ready; cat", flags=("-o", "ExitOnForwardFailure=yes", *flags)) as process:
        assert process.stdin and process.stdout and process.stderr
        try:
            hear(process, b"ready\n")
            yield process
        finally:
            process.stdin.close()
            process.wait(10)


@pytest.fixture(scope="module")
def greeter_port(demo: SshClient) -> Iterator[int]:
    """A port of the loopback in the session that greets whoever says a name."""
    command = f"/opt/sshore/python/bin/python3 -I -c {shlex.quote(_GREETER)}"
    # With a terminal, so that the program ends with the connection.
    with demo.start(command, flags=("-tt",)) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.terminate()


def greeted(sock: socket.socket) -> bytes:
    with sock:
        sock.sendall(b"world")
        return b"".join(iter(lambda: sock.recv(100), b""))


def test_a_local_port_leads_into_the_session(demo_either_way: SshClient, greeter_port: int) -> None:
    port = free_port()
    with connection(demo_either_way, "-L", f"127.0.0.1:{port}:127.0.0.1:{greeter_port}"):
        assert greeted(socket.create_connection(("127.0.0.1", port))) == b"hello, world"


def test_a_local_unix_socket_leads_into_the_session(demo: SshClient, greeter_port: int, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with connection(demo, "-L", f"{path}:127.0.0.1:{greeter_port}"), socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        assert greeted(sock) == b"hello, world"


def test_a_port_in_the_session_leads_back_here(demo_either_way: SshClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = threading.Thread(target=_say_once, args=(server, b"from here\n"))
        here.start()
        # A port that ssh chooses is told on stderr.
        client = demo_either_way.having(LogLevel="INFO")
        with connection(client, "-R", f"127.0.0.1:0:127.0.0.1:{server.getsockname()[1]}") as process:
            assert process.stderr
            allocated = re.search(r"Allocated port (\d+)", _first_line_with(process, "Allocated port"))
            assert allocated
            there = demo_either_way.ok(f"bash -c 'head -n 1 </dev/tcp/127.0.0.1/{allocated[1]}'")
        here.join(5)
    assert there == "from here\n"


def test_a_unix_socket_in_the_session_leads_back_here_twice(demo: SshClient) -> None:
    """The first connection leaves the socket's file behind: sshd removes it (StreamLocalBindUnlink)."""
    ask = f"/opt/sshore/python/bin/python3 -I -c {shlex.quote(_SOCKET_READER)}"
    for words in (b"once", b"twice"):
        with socket.create_server(("127.0.0.1", 0)) as server:
            here = threading.Thread(target=_say_once, args=(server, words))
            here.start()
            with connection(demo, "-R", f"/home/work/back.sock:127.0.0.1:{server.getsockname()[1]}"):
                assert demo.ok(ask) == words.decode()
            here.join(5)
        assert demo.ok("ls back.sock") == "back.sock\n"
    demo.ok("rm back.sock")


def test_socks_reaches_what_the_session_reaches(demo_either_way: SshClient, greeter_port: int) -> None:
    port = free_port()
    with connection(demo_either_way, "-D", f"127.0.0.1:{port}"):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(b"\5\1\0")  # SOCKS 5, one method: none (RFC 1928)
        assert sock.recv(2) == b"\5\0"
        sock.sendall(b"\5\1\0\3\x09localhost" + greeter_port.to_bytes(2, "big"))
        assert sock.recv(10)[:2] == b"\5\0"
        assert greeted(sock) == b"hello, world"


def test_standard_io_is_forwarded_to_a_port(demo: SshClient, greeter_port: int) -> None:
    arguments = ["ssh", *demo.words, "-W", f"127.0.0.1:{greeter_port}", demo.destination]
    assert run(arguments, demo.environment, b"world").stdout == b"hello, world"


def test_the_agent_here_answers_there(demo_either_way: SshClient, tmp_path: Path) -> None:
    need("ssh-keygen")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "own", "-C", "of-the-agent"])
    with ssh_agent(tmp_path) as of_the_agent:
        with_agent = {**demo_either_way.environment, "SSH_AUTH_SOCK": of_the_agent["SSH_AUTH_SOCK"]}
        added = run(["ssh-add", "-q", str(tmp_path / "own")], with_agent)
        assert added.returncode == 0, added.stderr.decode()
        here = run(["ssh-add", "-l"], with_agent).stdout
        there = run(demo_either_way.arguments("ssh-add -l", flags=("-A",)), with_agent)
        assert there.returncode == 0, there.stderr.decode()
        assert b"of-the-agent" in here
        assert there.stdout == here


def test_x11_programs_reach_the_screen_here(demo_either_way: SshClient) -> None:
    need("xauth")
    with socket.create_server(("127.0.0.1", _free_display_port())) as screen:
        here = threading.Thread(target=_say_once, args=(screen, b"the screen"))
        here.start()
        environment = {**demo_either_way.environment, "DISPLAY": f"127.0.0.1:{screen.getsockname()[1] - 6000}"}
        program = f"/opt/sshore/python/bin/python3 -I -c {shlex.quote(_X11_PROGRAM)}"
        command = f"{program} $DISPLAY $(xauth list $DISPLAY)"
        done = run(demo_either_way.arguments(command, flags=("-Y",)), environment)
        here.join(5)
    assert done.stdout == b"the screen\n", done.stderr.decode()


def test_a_second_command_goes_over_the_first_ones_connection(
    shared: Deployment, demo_either_way: SshClient, tmp_path: Path
) -> None:
    master = demo_either_way.having(ControlPath=str(tmp_path / "master"), ControlMaster="auto")
    # By itself this one could not log in.
    second = master.having(ControlMaster="no", IdentityFile="/nonexistent")
    assert second.run("true").returncode == 255
    with connection(master):
        before = _connections(shared)
        assert run(second.arguments("-", flags=("-O", "check")), second.environment).returncode == 0
        assert second.ok("echo over the master; cat", stdin=b"and its stdin") == "over the master\nand its stdin"
        assert second.sftp("pwd").endswith("/home/work\n")
        assert _connections(shared) == before


def test_a_master_that_persists_is_renewed_when_its_session_was_stopped_and_started(
    shared: Deployment, tmp_path: Path
) -> None:
    shared.run_session("persisting")
    client = through_forward(shared.admin, shared.connect("persisting"))
    master = client.having(ControlPath=str(tmp_path / "m"), ControlMaster="auto", ControlPersist="yes")
    check = master.arguments("-", flags=("-O", "check"))
    # What a master leaves in the background keeps the pipes of the command that made it.
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        for _ in range(2):
            assert master.start("true", **quiet).wait(20) == 0
            assert run(check, master.environment).returncode == 0
            assert master.ok("hostname") == "persisting\n"
            shared.cli("stop", "persisting")
            until(lambda: run(check, master.environment).returncode != 0, "the master has ended with its session")
            shared.cli("start", "persisting")
        assert client.ok("hostname") == "persisting\n"
    finally:
        run(master.arguments("-", flags=("-O", "exit")), master.environment)
        shared.remove("persisting")


def _say_once(server: socket.socket, words: bytes) -> None:
    server.settimeout(15)
    peer, _ = server.accept()
    with peer:
        peer.sendall(words)
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(100):  # closing with something unread would reset the connection
            pass


def _free_display_port() -> int:
    """Displays are ports from 6000 on."""
    while (port := free_port()) < 6000:
        pass
    return port


def _connections(shared: Deployment) -> int:
    (ssh,) = shared.admin.json("app", "ls", "demo")
    count: int = ssh["connections"]
    return count


def _first_line_with(process: subprocess.Popen[bytes], words: str) -> str:
    assert process.stderr
    for line in process.stderr:
        if words in line.decode():
            return line.decode()
    raise AssertionError(f"{words!r} was not said")
