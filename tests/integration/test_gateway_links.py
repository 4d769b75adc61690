"""Agents' links and calls over real sockets; and what one session, owner or neighbour takes of the gateway at most."""

import asyncio
import json
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from gateway_peers import DEMO, MOST_LINKS, OneSession, opened, park, request, served

from sshore.core.errors import SshoreError, Unavailable
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import LinkGrant
from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.gateway.unfinished import Unfinished
from sshore.wire import heads
from sshore.wire.problems import Code

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
    async with served(Gateway(OneSession(), links), path):
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


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"ok":false,"code":"app_not_launched"}', Code.APP_NOT_LAUNCHED),
        (b'{"ok":false,"code":"unauthenticated"}', Code.APP_FAILED),
        (b'{"ok":false,"code":"made up"}', Code.APP_FAILED),
        (b'{"ok":false,"detail":"\\ud800"}', Code.NO_LINK),
    ],
    ids=["its own", "not its own", "made up", "half a character"],
)
async def test_what_an_agent_may_refuse(tmp_path: Path, answer: bytes, code: Code) -> None:
    links = LinkTable(patience_s=1)
    path = tmp_path / "calls.sock"
    async with served(Gateway(OneSession(), links), path):
        reader, writer = await park(path)
        await links.wait_linked(DEMO)

        async def refuse() -> None:
            await reader.readline()
            writer.write(answer + b"\n")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refuse())
            assert await refusal_of(links.call(DEMO, "app.list")) == code
        writer.close()


async def test_the_agents_socket_takes_links_and_no_streams(tmp_path: Path) -> None:
    path = tmp_path / "agents.sock"
    async with served(Gateway(OneSession(), LinkTable(patience_s=1)), path, links_only=True) as gateway:
        _, parked = await park(path)
        status, said, (_, refused) = await request(path)
        assert (status, b"takes the links of agents, nothing else" in said) == (404, True)
        assert gateway.links.parked_count == 1
        for writer in (parked, refused):
            writer.transport.abort()


async def test_nobody_is_kept_out_by_connections_without_a_word(tmp_path: Path) -> None:
    """Those who say nothing lose the oldest of theirs; links that are parked are none of them."""
    path = tmp_path / "crowded.sock"
    crowded = Gateway(OneSession(), LinkTable(patience_s=1), unfinished=Unfinished(most_by_peer=8))
    async with served(crowded, path) as gateway:
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
    crowded = Gateway(OneSession(), LinkTable(patience_s=1), unfinished=Unfinished(most_by_peer=8))
    async with served(crowded, path):
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
    assert said == b"held\n"


async def test_a_session_is_linked_no_longer_than_its_agent_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sshore.gateway.links._REPLACED_WITHIN_S", 0.0)
    links, path = LinkTable(patience_s=0.2), tmp_path / "dying.sock"
    async with served(Gateway(OneSession(), links), path):
        reader, writer = await park(path)
        await links.wait_linked(DEMO)
        await asyncio.wait_for(lose_the_last(links, reader, writer), 10)
        assert not links.is_linked(DEMO)


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


class _SlowAuthority(OneSession):
    def __init__(self) -> None:
        self.answers = asyncio.Event()

    async def authorise_link(self, token: str) -> LinkGrant:
        await self.answers.wait()
        return await super().authorise_link(token)


async def test_links_that_nobody_has_looked_at_give_way_to_later_ones(tmp_path: Path) -> None:
    """And take nothing down with them."""
    authority, path = _SlowAuthority(), tmp_path / "gateway.sock"
    async with served(Gateway(authority, LinkTable(), unfinished=Unfinished(most_by_peer=2)), path) as gateway:
        readers = []
        for _ in range(5):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(heads.link_request("gateway", "agent", "test"))
            readers.append((reader, writer))
        for reader, _ in readers[:3]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        authority.answers.set()
        for reader, writer in readers[3:]:
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        assert len(gateway.unfinished) == 0
        last = await park(path)
        for _, writer in (*readers[:3], last):
            writer.close()


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
