"""Revoking a token or a user ends what has been opened with it, and what is about to be; nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sshore.core.ids import SessionId, TokenId, UserId
from sshore.core.sessions import LinkGrant, StreamGrant
from sshore.gateway.front_door import FrontDoor
from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.gateway.open_streams import StreamTable
from sshore.wire import heads

pytestmark = pytest.mark.anyio

DEMO = SessionId("demo-id")
OWNER = UserId("ann-id")


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Tokens:
    """Every token is known: it is its own id, its user's name comes first. Answers are held back on demand."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.asked = asyncio.Event()

    async def authorise_stream(self, token: str, ref: str, app: str) -> StreamGrant:
        user, _, _ = token.partition("-")
        self.asked.set()
        await self.may_answer.wait()
        return StreamGrant(DEMO, user, UserId(user), TokenId(token))

    async def authorise_link(self, token: str) -> LinkGrant:
        return LinkGrant(DEMO, OWNER)


@dataclass
class Door:
    """A gateway with an agent that answers every stream with a greeting."""

    path: Path
    tokens: Tokens
    streams: StreamTable
    stack: AsyncExitStack

    async def park(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        self.stack.callback(abort, writer)
        writer.write(heads.link_request("gateway", "agent", "test"))
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    async def request(self, token: str) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        self.stack.callback(abort, writer)
        writer.write(heads.stream_request("gateway", "demo", "ssh", token, "test"))
        return reader

    async def open(self, token: str) -> asyncio.StreamReader:
        """An open stream: the client's end."""
        agent_reader, agent_writer = await self.park()
        client = await self.request(token)
        assert json.loads(await agent_reader.readline()) == {"open": "ssh"}
        agent_writer.write(b'{"ok":true}\nhello\n')
        assert b" 101 " in await client.readuntil(b"\r\n\r\n")
        assert await client.readline() == b"hello\n"
        return client


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    tokens, streams, path = Tokens(), StreamTable(), tmp_path / "gateway.sock"
    async with Gateway(tokens, LinkTable(patience_s=5), streams) as gateway, AsyncExitStack() as stack:
        server = await asyncio.get_running_loop().create_unix_server(lambda: FrontDoor(gateway, None), path)
        yield Door(path, tokens, streams, stack)
        gateway.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(("holder", "ended"), [("ann-1", [True, False, False]), ("ann", [True, True, False])])
async def test_streams_of_the_token_or_the_user_end_and_no_others(door: Door, holder: str, ended: list[bool]) -> None:
    clients = [await door.open(token) for token in ("ann-1", "ann-2", "bob-1")]
    assert door.streams.revoke(TokenId(holder)) == sum(ended)
    for client, gone in zip(clients, ended, strict=True):
        if gone:
            assert await ending(client) == b""
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.read(1), 0.05)
    assert len(door.streams) == 3 - sum(ended)


async def test_a_stream_that_is_being_authorised_meanwhile_is_refused(door: Door) -> None:
    door.tokens.may_answer.clear()
    agent_reader, agent_writer = await door.park()
    client = await door.request("ann-1")
    await door.tokens.asked.wait()
    door.streams.revoke(TokenId("ann-1"))
    door.tokens.may_answer.set()
    assert json.loads(await agent_reader.readline()) == {"open": "ssh"}
    agent_writer.write(b'{"ok":true}\n')
    assert b" 401 " in await client.readuntil(b"\r\n\r\n")


async def test_a_stream_that_waits_for_a_link_meanwhile_is_refused(door: Door) -> None:
    client = await door.request("ann-1")
    await door.tokens.asked.wait()
    door.streams.revoke(UserId("ann"))
    agent_reader, agent_writer = await door.park()
    assert json.loads(await agent_reader.readline()) == {"open": "ssh"}
    agent_writer.write(b'{"ok":true}\n')
    assert b" 401 " in await client.readuntil(b"\r\n\r\n")
    assert await ending(agent_reader) == b""


async def ending(reader: asyncio.StreamReader) -> bytes:
    """What still comes before the end, which may be a reset."""
    try:
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""


def abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
