"""Nobody, logged in or not, fills the server's memory with a request."""

import http.client
import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from deployment import Deployment
from test_every_route import PUBLIC

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
    assert b"at most 64 KiB" in answer.read()


@pytest.mark.parametrize(("kib", "status"), [(63, 401), (65, 413)])
def test_a_body_within_the_limit_is_taken(connection: http.client.HTTPConnection, kib: int, status: int) -> None:
    connection.request(
        "POST",
        "/api/v1/login",
        b'{"user": "nobody", "password": "%s"}' % (b"x" * (kib << 10)),
        {"Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    assert answer.status == status, answer.read()


@pytest.mark.parametrize(
    ("path", "field", "mib", "status"),
    [
        ("files/.large", "content", 1, 422),  # user files have a limit of their own
        ("bootstrap", "script", 1, 422),
        ("files/.large", "content", 3, 413),
        ("bootstrap", "script", 3, 413),
    ],
)
def test_routes_that_take_files_take_longer_ones(
    shared: Deployment, connection: http.client.HTTPConnection, path: str, field: str, mib: int, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {shared.login[1]}"}
    connection.request("PUT", f"/api/v1/{path}", json.dumps({field: "eHh4" * (mib * MIB // 4)}), headers)
    answer = connection.getresponse()
    assert answer.status == status, answer.read()


def test_a_strangers_body_is_not_read(shared: Deployment) -> None:
    """The answer is there before the body, on each route that is not for everybody."""
    with urllib.request.urlopen(f"{shared.url}/openapi.json") as document:
        paths = json.load(document)["paths"]
    routes = [
        (method, path) for path, methods in paths.items() for method in methods if "requestBody" in methods[method]
    ]
    routes = [(method, path) for method, path in routes if (method.upper(), path) not in PUBLIC]
    assert len(routes) > 10
    for method, path in routes:
        assert answered_without_body(shared, method, path, "") == 401, path
        assert answered_without_body(shared, method, path, "guessed") == 401, path
    assert answered_without_body(shared, "post", "/api/v1/oidc/token", "") == 404, "there is no provider"


def answered_without_body(shared: Deployment, method: str, path: str, token: str) -> int:
    """The status for a head that announces a long body, which does not come."""
    connection = http.client.HTTPConnection(urlsplit(shared.url).netloc, timeout=10)
    try:
        connection.putrequest(method.upper(), re.sub(r"{\w+}", "x", path))
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(2 * MIB))
        if token:
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("half", [rb"\ud800", rb"x\uDFFFy", b"\xed\xa0\x80"], ids=["low", "high", "raw"])
def test_half_a_character_is_refused(shared: Deployment, connection: http.client.HTTPConnection, half: bytes) -> None:
    log = shared.directory / "server.log"
    before = log.stat().st_size
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {shared.login[1]}"}
    for path in ("tokens", "login"):
        body = b'{"name": "x", "user": "%s", "password": "%s"}' % (half, half)
        connection.request("POST", f"/api/v1/{path}", body, headers)
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["code"]) == (422, "invalid_input"), path
    connection.request("POST", "/api/v1/tokens", rb'{"name": "\ud83d\ude00"}', headers)  # a whole one, in two halves
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    assert b"Traceback" not in log.read_bytes()[before:]


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
