"""A server behind a TLS proxy, and one that many connect to who then say nothing."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from deployment import Deployment, deployment

UNFINISHED = 8


@pytest.fixture(scope="module")
def behind_proxy(shared: Deployment) -> Iterator[Deployment]:
    with deployment(started=False, kit_of=shared.state) as made:
        made.server.environment |= {"SSHORE_TRUSTED_PROXIES": "127.0.0.1", "SSHORE_UNFINISHED": str(UNFINISHED)}
        made.start()
        yield made


def guess(it: Deployment, name: str, forwarded_for: str) -> int:
    """Try a wrong password; the answer's status."""
    body = json.dumps({"user": name, "password": "a wrong one"}).encode()
    headers = {"Content-Type": "application/json", "X-Forwarded-For": forwarded_for}
    try:
        urllib.request.urlopen(urllib.request.Request(f"{it.url}/api/v1/login", body, headers), timeout=30).close()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code
    raise AssertionError("a wrong password logs in")


def test_who_guesses_behind_a_trusted_proxy_slows_nobody_else_down(behind_proxy: Deployment) -> None:
    statuses = [guess(behind_proxy, f"user{n}", f"198.51.100.{n}, 192.0.2.1") for n in range(31)]
    assert statuses == [401] * 30 + [429], "what the guesser claims counts for nothing"
    assert guess(behind_proxy, "somebody", "192.0.2.2") == 401


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /healthz HTTP/1.1\r\nX: ", b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"],
)
def test_connections_that_do_not_finish_keep_nobody_out(behind_proxy: Deployment, said: bytes) -> None:
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", behind_proxy.port), timeout=20))
            for _ in range(5 * UNFINISHED)
        ]
        for connection in slow:
            try:
                connection.sendall(said)
            except ConnectionError:
                continue  # cut off already
        with urllib.request.urlopen(f"{behind_proxy.url}/healthz", timeout=10) as answer:
            assert answer.status == 200
        with suppress(ConnectionError):
            assert slow[0].recv(1) == b"", "the oldest has been cut off"
