"""The server as a service of systemd's: what it tells the manager, and its limit on open files."""

import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, deployment
from programs import need

from integration.free_port import free_port

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SOFT = 300


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """The end at which systemd would hear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path_factory.mktemp("notify") / "socket"))
        sock.settimeout(20)
        yield sock


@pytest.fixture(scope="module")
def service(shared: Deployment, manager: socket.socket) -> Iterator[Deployment]:
    """A server that systemd seems to have started, with a low soft limit on open files."""
    with deployment(started=False, kit_of=shared.state) as it:
        it.server.environment |= {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "20000000"}
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, before[1]))
        try:
            it.start()
            it.run_session("box", "--network", "none")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        yield it


def test_the_server_may_open_what_it_can_and_sessions_what_is_usual(service: Deployment) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    assert resource.prlimit(service.server.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    assert service.cli("ssh", "box", "ulimit -Sn; ulimit -Hn").split() == [str(SOFT), str(hard)]


def test_it_says_that_it_is_ready_and_alive_and_when_it_stops(service: Deployment, manager: socket.socket) -> None:
    heard = {manager.recv(100) for _ in range(2)}

    assert heard == {b"READY=1", b"WATCHDOG=1"}
    service.server.stop(signal.SIGTERM)
    while (word := manager.recv(100)) == b"WATCHDOG=1":
        pass
    assert word == b"STOPPING=1"


@pytest.mark.parametrize("unit", sorted(UNITS.glob("sshore*")), ids=lambda path: path.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    need("systemd-analyze")
    for each in UNITS.iterdir():  # a socket's service is looked for beside it
        (tmp_path / each.name).write_text(each.read_text().replace("/usr/bin/sshore", "/bin/true"))  # not installed
    there = tmp_path / unit.name

    done = subprocess.run(["systemd-analyze", "verify", there], capture_output=True, text=True, timeout=60)

    # What newer versions know, this one may not.
    complaints = [line for line in done.stderr.splitlines() if "DelegateSubgroup" not in line]
    assert not [line for line in complaints if unit.name in line], done.stderr


def test_it_takes_the_socket_that_systemd_holds() -> None:
    need("systemd-socket-activate")
    port = free_port()
    serve = "from sshore.server.http import listen; s = listen('', 1); c, _ = s.accept(); c.sendall(b'here'); c.close()"
    words = ["systemd-socket-activate", "--listen", f"127.0.0.1:{port}", sys.executable, "-c", serve]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert b"Listening on" in process.stderr.readline()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            assert client.recv(100) == b"here"
        process.stderr.read()
    assert process.returncode == 0
