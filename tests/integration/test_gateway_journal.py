"""What the gateway tells of streams: their opening, bytes and end, over real sockets."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from sshore.core.audit import StreamEnd
from sshore.core.ids import SessionId, StreamId, TokenId, UserId
from sshore.core.sessions import LinkGrant, StreamGrant
from sshore.core.trusted_proxies import TrustedProxies
from sshore.gateway.front_door import FrontDoor
from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.gateway.open_streams import StreamTable
from sshore.wire import heads

pytestmark = pytest.mark.anyio

DEMO = SessionId("demo-id")
OWNER = UserId("ann-id")
_RESET = struct.pack("ii", 1, 0)
"""Closing with unsent data dropped, which the peer takes for a broken connection (socket(7), SO_LINGER)."""
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamReader, asyncio.StreamWriter]


class Everyone:
    async def authorise_stream(self, token: str, ref: str, app: str) -> StreamGrant:
        return StreamGrant(DEMO, "ann", token_id=TokenId(token), session=ref)

    async def authorise_link(self, token: str) -> LinkGrant:
        return LinkGrant(DEMO, OWNER)


@dataclass
class Journal:
    """Implements `core.ports.StreamJournal`."""

    begun: list[tuple[str, str, str, str]] = field(default_factory=list)
    ends: asyncio.Queue[tuple[int, int, StreamEnd]] = field(default_factory=asyncio.Queue)

    def opened(self, grant: StreamGrant, app: str, address: str, client: str) -> StreamId:
        self.begun.append((grant.session, app, address, client))
        return StreamId("s")

    def ended(self, stream_id: StreamId, bytes_in: int, bytes_out: int, end: StreamEnd) -> None:
        self.ends.put_nowait((bytes_in, bytes_out, end))

    async def end(self) -> tuple[int, int, StreamEnd]:
        async with asyncio.timeout(5):
            return await self.ends.get()


@dataclass
class Door:
    gateway: Gateway
    streams: StreamTable
    journal: Journal
    host: str
    port: int
    told: dict[str, str] = field(default_factory=dict)
    """What the agent was told when the last stream was opened."""

    @asynccontextmanager
    async def stream(self, forwarded_for: str = "") -> AsyncIterator[Ends]:
        """A client's reader and writer, then the agent's; greeted by the agent with five bytes."""
        agent, to_agent = await asyncio.open_connection(self.host, self.port)
        to_agent.write(heads.link_request("gateway", "agent", "test"))
        await agent.readuntil(b"\r\n\r\n")
        client, to_client = await asyncio.open_connection(self.host, self.port)
        request = heads.stream_request("gateway", "demo", "ssh", "token", "sshore/1 (laptop)")
        if forwarded_for:
            request = request[:-2] + f"X-Forwarded-For: {forwarded_for}\r\n\r\n".encode()
        to_client.write(request)
        self.told = json.loads(await agent.readline())
        assert self.told["open"] == "ssh"
        to_agent.write(b'{"ok":true}\nhello')
        await client.readuntil(b"\r\n\r\n")
        assert await client.readexactly(5) == b"hello"
        try:
            yield client, to_client, agent, to_agent
        finally:
            for writer in (to_client, to_agent):
                writer.transport.abort()


@pytest.fixture(params=["127.0.0.1"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    streams, journal = StreamTable(), Journal()
    async with Gateway(Everyone(), LinkTable(patience_s=5), streams, journal=journal) as gateway:
        server = await asyncio.get_running_loop().create_server(lambda: FrontDoor(gateway, None), request.param, 0)
        yield Door(gateway, streams, journal, request.param, server.sockets[0].getsockname()[1])
        gateway.close()
        server.close()
        await server.wait_closed()


async def test_a_stream_is_told_with_its_bytes_each_way(door: Door) -> None:
    async with door.stream() as (client, to_client, agent, to_agent):
        assert door.journal.begun == [("demo", "ssh", "127.0.0.1", "sshore/1 (laptop)")]
        to_client.write(b"x" * 1000)
        await agent.readexactly(1000)
        to_agent.close()
        await client.read()
        to_client.close()
        assert await door.journal.end() == (1000, 5, StreamEnd.CLOSED)


async def test_the_address_behind_a_trusted_proxy_is_the_clients(door: Door) -> None:
    async with door.stream(forwarded_for="6.6.6.6, 192.0.2.7"):
        assert door.journal.begun[-1][2] == "127.0.0.1", "nobody is believed by default"
    door.gateway.proxies = TrustedProxies.parse("127.0.0.0/8")
    async with door.stream(forwarded_for="6.6.6.6, 192.0.2.7"):
        assert door.journal.begun[-1][2] == "192.0.2.7"
        assert door.told["connection"] == f"192.0.2.7 65535 127.0.0.1 {door.port}"


@pytest.mark.parametrize("door", ["127.0.0.1", "::1"], indirect=True)
async def test_the_agent_is_told_where_the_client_comes_from(door: Door) -> None:
    async with door.stream(forwarded_for="192.0.2.7"):
        assert door.told["connection"] == f"{door.host} 65535 {door.host} {door.port}"


async def test_how_a_stream_ended_is_told(door: Door) -> None:
    async with door.stream():
        door.streams.revoke(TokenId("token"))
        assert (await door.journal.end())[2] is StreamEnd.REVOKED
    async with door.stream() as (_, to_client, _, _):
        to_client.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        to_client.transport.abort()
        assert (await door.journal.end())[2] is StreamEnd.BROKEN
    async with door.stream():
        door.gateway.close()
        assert (await door.journal.end())[2] is StreamEnd.SERVER_STOPPED


async def test_moved_bytes_are_taken_once(door: Door) -> None:
    """By whoever watches over idle sessions: of open streams, and of those that ended meanwhile."""
    async with door.stream() as (_, to_client, agent, _):
        assert door.streams.take_moved() == {DEMO: 5}
        assert door.streams.take_moved() == {}
        to_client.write(b"x" * 100)
        await agent.readexactly(100)
        assert door.streams.take_moved() == {DEMO: 100}
        to_client.write(b"x" * 10)
        await agent.readexactly(10)
    await door.journal.end()
    assert door.streams.take_moved() == {DEMO: 10}
    assert door.streams.take_moved() == {}


async def test_a_fault_after_the_101_breaks_the_stream_and_writes_nothing_into_it(door: Door) -> None:
    door.journal.ends = None  # type: ignore[assignment]  # whose end cannot be told
    async with door.stream() as (client, _, _, to_agent):
        to_agent.write_eof()
        assert await client.read() == b""
        door.streams.revoke(TokenId("token"))
    async with door.stream() as (client, _, _, to_agent):
        to_agent.write(b"the server serves on")
        assert await client.readexactly(20) == b"the server serves on"
