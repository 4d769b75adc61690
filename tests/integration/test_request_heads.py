"""How long a request's head may be, however it comes: by the server's own protocol, on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Request

from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.server.http import HttpServer, listen

pytestmark = pytest.mark.anyio

KIB = 1 << 10
LIMIT = 64 * KIB
OK, REFUSED = b"HTTP/1.1 200 ", b"HTTP/1.1 400 "
SHORT = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Nobody:
    """Lets nobody in: no stream is opened here."""


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, list[str]]]:
    """A server's port, and the requests that have reached the application."""
    app, reached = FastAPI(), list[str]()

    @app.get("/")
    async def get(request: Request) -> str:
        reached.append("GET")
        return "here"

    @app.post("/")
    async def post(request: Request) -> int:
        reached.append("POST")
        return len(await request.body())

    with listen("127.0.0.1", 0) as listener:
        async with Gateway(Nobody(), LinkTable()) as gateway, asyncio.TaskGroup() as group:  # type: ignore[arg-type]
            running = HttpServer(app, gateway)
            group.create_task(running.serve(sockets=[listener]))
            await running.ready.wait()
            yield listener.getsockname()[1], reached
            running.should_exit = True


async def say(port: int, *writes: bytes) -> bytes:
    """All that is answered to these writes until the server closes, or we have said all and it has answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        async with asyncio.timeout(20):
            try:
                for data in writes:
                    writer.write(data)
                    await writer.drain()
                return await reader.read()
            except ConnectionError:
                return REFUSED  # cut off while it wrote: who reads no more has refused
    finally:
        writer.close()


def head(length: int, *more: bytes) -> bytes:
    """A request's head of so many bytes, after whose answer the connection closes."""
    start = b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", b"Connection: close", *more, b"X-Long: "])
    return start + b"a" * (length - len(start) - 4) + b"\r\n\r\n"


def pieces(data: bytes, length: int) -> list[bytes]:
    return [data[at : at + length] for at in range(0, len(data), length)]


@pytest.mark.parametrize("length", [LIMIT + 1 * KIB, 70 * KIB, 200 * KIB])
@pytest.mark.parametrize("write", [1 << 20, 5 * KIB])
async def test_a_head_above_the_limit_reaches_nothing(server: tuple[int, list[str]], length: int, write: int) -> None:
    port, reached = server
    answer = await say(port, *pieces(head(length), write))
    assert answer.startswith(REFUSED)
    assert not reached


@pytest.mark.parametrize("write", [1 << 20, 5 * KIB])
async def test_a_head_just_below_the_limit_is_answered(server: tuple[int, list[str]], write: int) -> None:
    port, reached = server
    answer = await say(port, *pieces(head(LIMIT - 100), write))
    assert answer.startswith(OK)
    assert reached == ["GET"]


async def test_many_fields_and_a_long_address_count_as_well(server: tuple[int, list[str]]) -> None:
    port, reached = server
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 900) for number in range(80))
    assert (await say(port, b"GET / HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")).startswith(REFUSED)
    assert (await say(port, b"GET /?" + b"a" * 70 * KIB + b" HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(REFUSED)
    assert not reached


async def test_of_requests_in_one_write_each_has_a_limit_of_its_own(server: tuple[int, list[str]]) -> None:
    port, reached = server
    half = LIMIT // 2 + KIB
    several = head(half).replace(b"Connection: close", b"X-Stays: there..") * 3
    answer = await say(port, several + head(half))
    assert answer.count(OK) == 4
    assert reached == ["GET"] * 4


async def test_a_long_head_behind_another_request_is_refused(server: tuple[int, list[str]]) -> None:
    port, reached = server
    answer = await say(port, SHORT + head(70 * KIB))
    assert REFUSED in answer
    assert reached in ([], ["GET"])  # the first one's answer may be under way, or be dropped with the connection


@pytest.mark.parametrize("write", [1 << 20, 50 * KIB])
async def test_a_large_body_is_no_head(server: tuple[int, list[str]], write: int) -> None:
    port, _ = server
    body = b"b" * 1000 * KIB
    start = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    answer = await say(port, *pieces(start + body, write))
    assert answer.startswith(OK)
    assert answer.endswith(b"%d" % len(body))
