"""Each end of a stream ends by itself, and its last bytes arrive: on the forward's port, and by `sshore stream`."""

import socket

import pytest
from deployment import Deployment

from sshore.proxy.forwards import Card

pytestmark = pytest.mark.every_engine

# A client that says its name and is done; the daemon's own greeting must still come (RFC 4253 §4.2).
HELLO = b"SSH-2.0-HalfClosed\r\n"
GREETING = b"SSH-2.0-OpenSSH_"


def test_on_a_forwards_port(card: Card) -> None:
    with socket.create_connection((card.host, card.port), timeout=20) as sock:
        sock.sendall(HELLO)
        sock.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert received.startswith(GREETING)
    assert len(received) > 500, "the daemon's first packet, its algorithms, came too"


def test_by_sshore_stream(shared: Deployment) -> None:
    done = shared.admin.run("stream", "demo", stdin=HELLO)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(GREETING)
    assert len(done.stdout) > 500


def test_a_client_that_vanishes_frees_its_connection(shared: Deployment, card: Card) -> None:
    with socket.create_connection((card.host, card.port), timeout=20) as sock:
        assert sock.recv(100).startswith(GREETING)
        assert _connections(shared) >= 1
    for _ in range(100):  # each asks the agent
        if _connections(shared) == 0:
            return
    raise AssertionError("the connection is still counted")


def _connections(shared: Deployment) -> int:
    (ssh,) = shared.admin.json("app", "ls", "demo")
    count: int = ssh["connections"]
    return count
