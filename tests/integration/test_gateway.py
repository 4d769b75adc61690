"""Front door and relay over real sockets: what a stream may rely on."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateway_peers import OneSession, Peer, opened, park, request, served

from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Path]:
    """A gateway's Unix socket."""
    path = tmp_path / "gateway.sock"
    async with served(Gateway(OneSession(), LinkTable(patience_s=0.3)), path):
        yield path


@pytest.mark.parametrize(
    "wishes", [{"host_key": "plain"}, {"host_key": "plain", "host_keys": "all"}, {"locale": "LC_TIME=ko_KR.UTF-8"}]
)
async def test_the_agent_is_told_what_is_wanted(door: Path, wishes: dict[str, str]) -> None:
    app_reader, app_writer = await park(door)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(request(door, **wishes))
        assert json.loads(await app_reader.readline()) == {"open": "ssh", **wishes}
        app_writer.write(b'{"ok":true}\n')
    status, _, client = asked.result()
    assert status == 101
    for writer in (client[1], app_writer):
        writer.transport.abort()


@pytest.mark.parametrize("wish", [{"host_key": "forged"}, {"host_keys": "some"}, {"locale": "LC_ALL=" + "x" * 2000}])
async def test_what_no_client_of_ours_wants_is_refused(door: Path, wish: dict[str, str]) -> None:
    status, body, client = await request(door, **wish)
    assert (status, json.loads(body)["code"]) == (422, "invalid_input")
    client[1].close()


async def test_the_stream_is_the_peers_bytes_and_nothing_else(door: Path) -> None:
    async with opened(door, first=b"SSH-2.0-OpenSSH\r\n") as (client, app):
        assert await client[0].readline() == b"SSH-2.0-OpenSSH\r\n"
        client[1].write(b"ping")
        assert await app[0].readexactly(4) == b"ping"
        app[1].write(b"pong")
        app[1].close()
        assert await client[0].read() == b"pong"


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": False})], indirect=False)
async def test_nothing_waits_to_end_a_silent_stream(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of an hour of silence is no sign of death. Whatever is timed on the way to a stream has been called off
    when it is open: nothing is left in the gateway that a silence could set off."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_at = loop.call_at

    def noted(*how: Any, **more: Any) -> asyncio.TimerHandle:
        timers.append(call_at(*how, **more))
        return timers[-1]

    monkeypatch.setattr(loop, "call_at", noted)
    async with opened(door) as (client, app):
        client[1].write(b"ping")
        assert await app[0].readexactly(4) == b"ping"
        app[1].write(b"pong")
        assert await client[0].readexactly(4) == b"pong"
        assert timers, "the request's head was waited for with a limit"
        assert [timer for timer in timers if not timer.cancelled() and timer.when() > loop.time()] == []


async def answering(door: Path, *answers: bytes) -> tuple[int, bytes, Peer]:
    """What a client gets whose app is heard in these pieces, and ends."""
    app_reader, app_writer = await park(door)

    async def answer() -> None:
        await app_reader.readline()
        for piece in answers:
            app_writer.write(piece)
            await asyncio.sleep(0.02)  # so that they are pieces
        app_writer.close()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer())
        status, body, client = await request(door)
    return status, body, client


async def test_an_app_that_ends_before_its_first_word_is_a_refusal_in_words(door: Path) -> None:
    status, body, client = await answering(door, b'{"ok":true,"speaks_first":true}\n')
    assert status >= 400
    problem = json.loads(body)
    assert problem["code"] == "app_failed" and "sshore logs" in problem["detail"]
    client[1].close()


async def test_the_first_words_of_an_app_are_waited_for_and_lost_by_nobody(door: Path) -> None:
    status, _, client = await answering(door, b'{"ok":true,"speaks_first":true}\n', b"SSH-2.0-", b"OpenSSH\r\n")
    assert status == 101
    assert await client[0].read() == b"SSH-2.0-OpenSSH\r\n"
    client[1].close()


async def test_an_app_that_is_slow_to_speak_gets_its_stream(door: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sshore.gateway.link.FIRST_BYTES_S", 0.01)
    status, _, client = await answering(door, b'{"ok":true,"speaks_first":true}\n', b"", b"", b"at last")
    assert status == 101
    assert await client[0].read() == b"at last"
    client[1].close()


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_half_close_ends_one_direction_only(door: Path, direction: str) -> None:
    async with opened(door) as (client, app):
        one, other = (client, app) if direction == "up" else (app, client)
        one[1].write(b"question")
        one[1].write_eof()
        assert await other[0].read() == b"question"
        other[1].write(b"answer")
        other[1].write_eof()
        assert await one[0].read() == b"answer"


async def test_a_slow_reader_gets_every_byte_and_is_not_buffered_for(door: Path) -> None:
    sent = os.urandom(1 << 20) * 64
    async with opened(door) as (client, app):

        async def send() -> int:
            waited = 0
            for at in range(0, len(sent), 1 << 20):
                app[1].write(sent[at : at + (1 << 20)])
                before = app[1].transport.get_write_buffer_size()
                await app[1].drain()
                waited = max(waited, before)
            app[1].write_eof()
            return waited

        async def receive() -> str:
            seen = hashlib.sha256()
            while chunk := await client[0].read(1 << 18):
                seen.update(chunk)
                await asyncio.sleep(0)
            return seen.hexdigest()

        async with asyncio.TaskGroup() as tasks:
            sending, receiving = tasks.create_task(send()), tasks.create_task(receive())
        assert receiving.result() == hashlib.sha256(sent).hexdigest()
        assert sending.result() > 0, "the sender was never held back"


async def test_a_reader_that_stops_holds_the_sender(door: Path) -> None:
    """What the gateway takes from a sender whose peer does not read is bounded."""
    async with opened(door) as (_, app):
        taken = 0
        try:
            async with asyncio.timeout(1):
                while taken < 256 << 20:
                    app[1].write(b"x" * (1 << 20))
                    await app[1].drain()
                    taken += 1 << 20
        except TimeoutError:
            pass
        assert taken < 16 << 20


async def test_a_broken_end_breaks_the_other(door: Path) -> None:
    async with opened(door) as (client, app):
        app[1].transport.abort()
        assert await client[0].read() == b""


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"token": "nobody"}, 401, b"unauthenticated"),
        ({"token": ""}, 401, b"unauthenticated"),
        ({"ref": "other"}, 404, b"not_found"),
        ({"app": "jupyter"}, 409, b"app_not_launched"),
        ({}, 503, b"no_link"),
    ],
)
async def test_refusals_are_http_answers(door: Path, arguments: dict[str, str], status: int, code: bytes) -> None:
    answered, body, (reader, writer) = await request(door, **arguments)
    assert answered == status
    assert code in body
    assert await reader.read() == b""
    writer.close()


async def test_an_agents_refusal_reaches_the_client_with_its_code(door: Path) -> None:
    app_reader, app_writer = await park(door)

    async def refuse() -> None:
        await app_reader.readline()
        app_writer.write(b'{"ok":false,"code":"app_not_launched","detail":"not yet"}\n')

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(refuse())
        status, body, (_, writer) = await request(door)
    assert (status, json.loads(body)["detail"]) == (409, "not yet")
    for each in (app_writer, writer):
        each.close()
