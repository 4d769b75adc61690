"""Nobody, logged in or not, fills the server's memory with a request."""

import http.client
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from deployment import Deployment

MIB = 1 << 20


@pytest.fixture
def connection(shared: Deployment) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(shared.login[0]).netloc, timeout=20)
    yield connection
    connection.close()


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * MIB


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_long_is_refused_before_it_is_read(
    connection: http.client.HTTPConnection, announced: bool
) -> None:
    headers = {"Content-Length": str(5 * MIB)} if announced else {}
    connection.request("POST", "/api/v1/login", pieces(5), headers, encode_chunked=not announced)
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"at most 2 MiB" in answer.read()


def test_a_body_within_the_limit_is_taken(connection: http.client.HTTPConnection) -> None:
    connection.request(
        "POST",
        "/api/v1/login",
        b'{"user": "nobody", "password": "%s"}' % (b"x" * MIB),
        {"Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    assert answer.status == 401, answer.read()


@pytest.mark.parametrize("requests_before", [0, 1])
def test_a_head_without_end_is_cut_off(shared: Deployment, requests_before: int) -> None:
    address = urlsplit(shared.login[0])
    assert address.hostname and address.port
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        for _ in range(requests_before):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in client.recv(4096)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ")
        with pytest.raises(OSError):  # what nobody reads any more
            for piece in pieces(64):
                client.sendall(piece)
