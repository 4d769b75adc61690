"""Front door, links and relay over real sockets: what a stream may rely on."""

import asyncio
import hashlib
import json
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from sshore.core.errors import Conflict, NotFound, SshoreError, Unauthenticated, Unavailable
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import LinkGrant, StreamGrant
from sshore.gateway.front_door import FrontDoor
from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.gateway.unfinished import Unfinished
from sshore.wire import heads
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio

DEMO = SessionId("demo-id")
OWNER = UserId("ann-id")
MOST_LINKS = 20
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class OneSession:
    """Knows one user's token, one session and its agent's token."""

    async def authorise_stream(self, token: str, ref: str, app: str) -> StreamGrant:
        if token != "user":
            raise Unauthenticated("who are you?")
        if ref != "demo":
            raise NotFound(f"you have no session {ref!r}")
        if app != "ssh":
            raise Conflict("launch it first", code=Code.APP_NOT_LAUNCHED)
        return StreamGrant(DEMO, "ann", OWNER, most=2)

    async def authorise_link(self, token: str) -> LinkGrant:
        if token != "agent":
            raise Unauthenticated("this is no session's agent token")
        return LinkGrant(DEMO, OWNER, most=MOST_LINKS)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Path]:
    """A gateway's Unix socket."""
    path = tmp_path / "gateway.sock"
    async with Gateway(OneSession(), LinkTable(patience_s=0.3)) as gateway:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: FrontDoor(gateway, None), path)
        try:
            yield path
        finally:
            gateway.close()
            server.close()
            await server.wait_closed()


async def park(door: Path, token: str = "agent") -> Peer:
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(heads.link_request("gateway", token, "test"))
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def request(
    door: Path, ref: str = "demo", app: str = "ssh", token: str = "user", **wishes: str
) -> tuple[int, bytes, Peer]:
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(heads.stream_request("gateway", ref, app, token, "test", **wishes))
    head = heads.parse_response((await reader.readuntil(b"\r\n\r\n"))[:-4])
    return head.status, await reader.read(head.content_length) if head.status != 101 else b"", (reader, writer)


@asynccontextmanager
async def opened(door: Path, first: bytes = b"") -> AsyncIterator[tuple[Peer, Peer]]:
    """A stream: the client's end and the app's."""
    app_reader, app_writer = await park(door)

    async def answer() -> None:
        assert json.loads(await app_reader.readline()) == {"open": "ssh"}
        app_writer.write(b'{"ok":true}\n' + first)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(answer())
        status, _, client = await request(door)
    assert status == 101
    try:
        yield client, (app_reader, app_writer)
    finally:
        for writer in (client[1], app_writer):
            writer.transport.abort()


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


async def test_a_link_that_dies_when_it_is_taken_is_replaced_by_the_next(door: Path) -> None:
    dying_reader, dying_writer = await park(door)
    good_reader, good_writer = await park(door)

    async def die() -> None:
        await dying_reader.readline()
        dying_writer.transport.abort()

    async def answer() -> None:
        await good_reader.readline()
        good_writer.write(b'{"ok":true}\n')

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(die())
        tasks.create_task(answer())
        status, _, (_, writer) = await request(door)
    assert status == 101
    for each in (good_writer, writer):
        each.close()


async def test_a_stranger_cannot_park_a_link(door: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(heads.link_request("gateway", "stranger", "test"))
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_the_agents_socket_takes_nothing_but_upgrades(door: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(b"GET /api/v1/sessions HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 404 " in await reader.readline()
    writer.close()


async def test_a_call_is_answered_by_one_line(tmp_path: Path) -> None:
    links = LinkTable(patience_s=1)
    path = tmp_path / "calls.sock"
    async with Gateway(OneSession(), links) as gateway:
        server = await asyncio.get_running_loop().create_unix_server(lambda: FrontDoor(gateway, None), path)
        reader, writer = await park(path)
        await links.wait_linked(DEMO)

        async def answer() -> None:
            assert json.loads(await reader.readline()) == {"call": "app.start", "app": "ssh"}
            writer.write(b'{"ok":true,"pid":7}\n')

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answer())
            reply = await links.call(DEMO, "app.start", app="ssh")
        assert reply["pid"] == 7
        assert await reader.read() == b""
        writer.close()
        server.close()


async def test_the_agents_socket_takes_links_and_no_streams(tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with Gateway(OneSession(), LinkTable(patience_s=1)) as gateway:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: FrontDoor(gateway, None, links_only=True), path)
        _, parked = await park(path)
        status, said, (_, refused) = await request(path)
        assert (status, b"takes the links of agents, nothing else" in said) == (404, True)
        assert gateway.links.parked_count == 1
        for writer in (parked, refused):
            writer.transport.abort()
        gateway.close()
        server.close()
        await server.wait_closed()


async def test_nobody_is_kept_out_by_connections_without_a_word(tmp_path: Path) -> None:
    """Those who say nothing lose the oldest of theirs; links that are parked are none of them."""
    path = tmp_path / "crowded.sock"
    async with Gateway(OneSession(), LinkTable(patience_s=1), unfinished=Unfinished(most_by_peer=8)) as gateway:
        server = await asyncio.get_running_loop().create_unix_server(lambda: FrontDoor(gateway, None), path)
        links = [await park(path) for _ in range(20)]
        silent = [await asyncio.open_unix_connection(str(path)) for _ in range(30)]
        silent[-1][1].write(b"GET / HTTP/1.1\r\nX-Slow: ")
        with suppress(ConnectionError):
            assert await silent[0][0].read() == b"", "it is cut off"
        status, _, late = await request(path, token="nobody's")
        assert status == 401, "a newcomer is served"
        assert gateway.links.parked_count == 20
        assert len(gateway.unfinished) <= 8
        for _, writer in (*links, *silent, late):
            writer.transport.abort()
        async with asyncio.timeout(5):
            while len(gateway.unfinished):
                await asyncio.sleep(0.01)
        gateway.close()
        server.close()
        await server.wait_closed()


_SILENT = """
import select, socket, sys
open(sys.argv[1], "w").write("0")  # cgroups(7): the process that writes
connections = [socket.socket(socket.AF_UNIX) for _ in range(4)]
for connection in connections:
    connection.connect(sys.argv[2])
print("connected", flush=True)
sys.stdin.readline()
print("cut off" if select.select(connections, [], [], 0)[0] else "held", flush=True)
"""


@pytest.fixture
def control_group() -> Iterator[Path]:
    """One as containers have it."""
    mounted = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    for root in (Path(words[1]) for words in mounted if words[2] in ("cgroup", "cgroup2")):
        group = root / f"sshore-test-{secrets.token_hex(4)}"
        try:
            group.mkdir()
        except OSError:
            continue
        yield group
        group.rmdir()
        return
    pytest.skip("no control group can be made here")


async def test_containers_that_have_one_uid_do_not_cut_each_other_off(tmp_path: Path, control_group: Path) -> None:
    """As containers of `--root` have it: root's, whoever their owners are."""
    path = tmp_path / "shared.sock"
    async with Gateway(OneSession(), LinkTable(patience_s=1), unfinished=Unfinished(most_by_peer=8)) as gateway:
        server = await asyncio.get_running_loop().create_unix_server(lambda: FrontDoor(gateway, None), path)
        words = sys.executable, "-c", _SILENT, str(control_group / "cgroup.procs"), str(path)
        other = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert other.stdin is not None and other.stdout is not None
        async with asyncio.timeout(20):
            await other.stdout.readline()
            silent = [await asyncio.open_unix_connection(str(path)) for _ in range(30)]
            with suppress(ConnectionError):
                assert await silent[0][0].read() == b"", "one's own are cut off"
            other.stdin.write(b"\n")
            said = await other.stdout.readline()
            await other.wait()
        for _, writer in silent:
            writer.transport.abort()
        gateway.close()
        server.close()
        await server.wait_closed()
    assert said == b"held\n"


async def test_a_session_is_linked_no_longer_than_its_agent_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sshore.gateway.links._REPLACED_WITHIN_S", 0.0)
    links, path = LinkTable(patience_s=0.2), tmp_path / "dying.sock"
    async with Gateway(OneSession(), links) as gateway:
        server = await asyncio.get_running_loop().create_unix_server(lambda: FrontDoor(gateway, None), path)
        reader, writer = await park(path)
        await links.wait_linked(DEMO)
        await asyncio.wait_for(lose_the_last(links, reader, writer), 10)
        assert not links.is_linked(DEMO)
        gateway.close()
        server.close()
        await server.wait_closed()


async def lose_the_last(links: LinkTable, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An agent dies as soon as its last link is taken."""

    async def die() -> None:
        await reader.readline()  # its last link is taken
        writer.transport.abort()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(die())
        with pytest.raises(Unavailable):
            await links.call(DEMO, "ping")


async def test_nothing_is_kept_of_sessions_that_are_no_more(tmp_path: Path) -> None:
    links = LinkTable(patience_s=0.01)
    with pytest.raises(Unavailable):
        await links.call(DEMO, "ping")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await links.wait_linked(DEMO)
    assert len(links) == 0


async def test_who_waits_for_a_link_of_a_session_that_ends_is_told_at_once() -> None:
    links = LinkTable(patience_s=60)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(refusal_of(links.call(DEMO, "ping")))
        await asyncio.sleep(0)
        links.drop(DEMO)
    assert waiting.result() is Code.NO_LINK
    assert len(links) == 0


async def refusal_of(call: Awaitable[Any]) -> Code:
    with pytest.raises(SshoreError) as refusal:
        await call
    return refusal.value.problem.code


async def test_a_session_parks_so_many_links_and_no_more(door: Path) -> None:
    """The next is refused, before anything is kept for it; one that goes makes room."""
    parked = [await park(door) for _ in range(MOST_LINKS)]
    reader, writer = await asyncio.open_unix_connection(str(door))
    writer.write(heads.link_request("gateway", "agent", "test"))
    assert b" 503 " in await reader.readuntil(b"\r\n\r\n")
    assert "has 20 links parked, and its allowance is 20" in json.loads(await reader.read())["detail"]
    for each in (*(writer for _, writer in parked), writer):
        each.transport.abort()


async def test_one_owners_links_leave_room_for_the_others(tmp_path: Path) -> None:
    """Each session can be reached, by two; more are for who has not so many yet."""
    links = LinkTable(most_by_owner=3)
    grants = [LinkGrant(SessionId(f"s{number}"), UserId(owner)) for number, owner in enumerate(("ann", "ann", "bob"))]
    ends = []
    loop = asyncio.get_running_loop()
    for grant in (grants[0], grants[0], grants[1], grants[1], grants[2], grants[2], grants[2]):
        near, far = socket.socketpair()
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=near)
        links.check(grant)
        links.park(grant, transport)
        ends.append(far)
    with pytest.raises(Unavailable, match="sessions of one owner"):
        links.check(grants[1])
    links.close()
    for far in ends:
        far.close()


async def test_a_user_opens_so_many_streams_and_no_more(door: Path) -> None:
    """Two may be open; the refusal says what to do, takes no link, and holds until one is closed."""
    async with opened(door) as (first, _):
        async with opened(door):
            _, parked = await park(door)
            status, body, refused = await request(door)
            problem = json.loads(body)
            assert (status, problem["code"], problem["allowance"]) == (403, "allowance_exceeded", "streams")
            assert "allowance of open streams is 2" in problem["detail"]
            for writer in (refused[1], parked):
                writer.transport.abort()
        first[1].transport.abort()
    for _ in range(3):
        async with opened(door):
            pass
