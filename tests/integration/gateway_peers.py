"""A gateway that knows one session and its user; and those who come to its door, an agent and a client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sshore.core.errors import Conflict, NotFound, Unauthenticated
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import LinkGrant, StreamGrant
from sshore.gateway.front_door import FrontDoor
from sshore.gateway.gateway import Gateway
from sshore.wire import heads
from sshore.wire.problems import Code

DEMO = SessionId("demo-id")
OWNER = UserId("ann-id")
MOST_LINKS = 20
Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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


@asynccontextmanager
async def served(gateway: Gateway, path: Path, *, links_only: bool = False) -> AsyncIterator[Gateway]:
    """A gateway that listens at a Unix socket."""
    async with gateway:
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: FrontDoor(gateway, None, links_only=links_only), path)
        try:
            yield gateway
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
