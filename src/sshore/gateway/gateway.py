"""Authorises, opens and counts streams; owns every task that the front doors start."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import parse_qs, unquote

from sshore.core.audit import StreamEnd
from sshore.core.errors import InvalidInput, NotFound, SshoreError, Unauthenticated
from sshore.core.folders import FolderApp
from sshore.core.ports import FolderServer, StreamAuthority, StreamJournal
from sshore.core.sessions import StreamGrant
from sshore.core.trusted_proxies import TrustedProxies
from sshore.gateway.folder_end import open_folder_end
from sshore.gateway.links import LinkTable
from sshore.gateway.open_streams import Opening, StreamTable
from sshore.gateway.unfinished import Unfinished
from sshore.relay.join import Relay, join
from sshore.wire import heads
from sshore.wire.heads import RequestHead, problem_response, switching_protocols
from sshore.wire.problems import Code, Problem

log = logging.getLogger("sshore.gateway")
T = TypeVar("T")

_LONGEST_LOCALES = 1200
_UNKNOWN_PORT = 65535
"""As sshd has it (packet.c, ssh_remote_port)."""


class Gateway:
    """The gateway of one server process: an async context, in which streams and links live.

    Leaving the context breaks off what is still open; sessions and their agents go on.
    """

    def __init__(
        self,
        authority: StreamAuthority,
        links: LinkTable,
        streams: StreamTable | None = None,
        folders: FolderServer | None = None,
        journal: StreamJournal | None = None,
        *,
        proxies: TrustedProxies | None = None,
        unfinished: Unfinished | None = None,
    ) -> None:
        self.proxies = proxies or TrustedProxies()
        self.unfinished = Unfinished() if unfinished is None else unfinished
        self._authority = authority
        self._journal = journal
        self._folders = folders
        self.links = links
        self._streams = StreamTable() if streams is None else streams
        self._tasks = asyncio.TaskGroup()
        self._closing = False
        self.streams_total = 0
        self.bytes_total = 0

    @property
    def streams_open(self) -> int:
        return len(self._streams)

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await self._tasks.__aexit__(kind, error, trace)

    def close(self) -> None:
        """Take nothing new and break off every stream and link; idempotent."""
        self._closing = True
        self.links.close()
        self._streams.abort_all()

    def accept(self, transport: asyncio.Transport, head: RequestHead, rest: bytes) -> bool:
        """Take over a connection whose first request asks for an upgrade of ours; False when it does not."""
        match head.upgrade:
            case heads.STREAM_PROTOCOL:
                self._start(transport, lambda: self._serve_stream(transport, head, rest))
            case heads.LINK_PROTOCOL:
                self._start(transport, lambda: self._answered(transport, self._park_link(transport, head)))
            case _:
                return False
        return True

    def _start(self, transport: asyncio.Transport, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
        transport.pause_reading()
        if self._closing:
            transport.close()
        else:
            self._tasks.create_task(serve())

    async def _answered(self, transport: asyncio.Transport, opening: Coroutine[Any, Any, T]) -> T | None:
        """The connection's boundary: a refusal becomes an HTTP answer, a fault is logged and ends it; None then."""
        try:
            return await opening
        except SshoreError as error:
            _refuse(transport, error.problem)
        except Exception:
            log.exception("a connection failed", extra={"peer": transport.get_extra_info("peername")})
            _refuse(transport, Problem(Code.INTERNAL, "the server failed; its log says why"))
        return None

    async def _park_link(self, transport: asyncio.Transport, head: RequestHead) -> None:
        try:
            self.links.check_again(head.bearer_token)
            grant = await self._authority.authorise_link(head.bearer_token)
            self.links.check(grant, head.bearer_token)
        finally:
            self.unfinished.leave(transport)
        if transport.is_closing():  # it has given way to others meanwhile, or has gone
            return
        transport.write(switching_protocols(heads.LINK_PROTOCOL))
        self.links.park(grant, transport)
        transport.resume_reading()

    async def _serve_stream(self, transport: asyncio.Transport, head: RequestHead, rest: bytes) -> None:
        stream = await self._answered(transport, self._open_stream(transport, head, rest))
        del head, rest  # streams live for days, and there may be thousands of them
        if stream is None:
            return
        try:
            await self._follow(stream)
        except Exception:  # too late for an HTTP answer: these are the peers' bytes now
            log.exception("a stream failed", extra={"session": stream.grant.session_id, "app": stream.app})
            stream.relay.abort()
        finally:
            if stream.started is not None:
                await stream.started.aclose()

    async def _open_stream(self, transport: asyncio.Transport, head: RequestHead, rest: bytes) -> "_Stream | None":
        """The stream, joined; None where nobody wants it any more."""
        target = _stream_target(head)
        async with AsyncExitStack() as stack:
            with self._streams.opening() as opening:
                grant, told, far, first = await self._far_end(stack, transport, head, target, opening)
                if opening.concerns(grant):
                    far.abort()
                    raise Unauthenticated("the API token has just been revoked: log in again with sshore login")
                if transport.is_closing() or self._closing:
                    far.abort()
                    transport.abort()
                    return None
                transport.write(switching_protocols(heads.STREAM_PROTOCOL, **told))
                relay = join(transport, far, to_left=first, to_right=rest)
                self._streams.add(relay, grant)
            address, client = self._address(transport, head), head.fields.get("user-agent", "")
            started = stack.pop_all() if target.is_folder else None
            return _Stream(relay, grant, target.app, address, client, started)

    async def _far_end(
        self,
        stack: AsyncExitStack,
        transport: asyncio.Transport,
        head: RequestHead,
        target: "_Target",
        opening: Opening,
    ) -> tuple[StreamGrant, dict[str, str], asyncio.Transport, bytes]:
        """Leave to open a stream, and what its client is told; what it leads to, reading paused, and its first bytes.
        `stack` ends what was started for it."""
        token = head.bearer_token
        if not target.is_folder:
            grant = await self._authority.authorise_stream(token, target.ref, target.app)
            self._streams.claim(opening, grant)
            told = self._told(grant, head.fields.get(heads.PUBLIC_KEY_HEADER, ""))
            wishes = target.wishes | self._connection(transport, head) | _locale(head)
            return grant, told, *await self.links.open(grant.session_id, target.app, **wishes)
        if self._folders is None:
            raise NotFound("this server has no streams to folders")
        grant, view, app = await self._authority.authorise_folder(
            token, target.ref, target.app, all_host_keys=bool(target.host_keys)
        )
        self._streams.claim(opening, grant)
        return grant, self._told(grant), *await open_folder_end(stack, self._folders, view, app)

    def _told(self, grant: StreamGrant, public_key: str = "") -> dict[str, str]:
        """The fields of the answer: whose stream it is, and the certificate that was asked for with it."""
        told = {heads.SESSION_HEADER: str(grant.session_id)}
        if public_key:
            login = self._authority.certify(grant, public_key)
            told |= {
                heads.CERTIFICATE_HEADER: login.certificate,
                heads.HOST_CA_HEADER: login.host_ca,
                heads.NAME_HEADER: login.name,
                heads.HOST_KEY_HEADER: login.host_key,
                heads.FURTHER_HOST_KEYS_HEADER: ", ".join(login.further_host_keys),
            }
        return told

    def _address(self, transport: asyncio.Transport, head: RequestHead) -> str:
        """The client's address; empty on a Unix socket, which has none."""
        peer = transport.get_extra_info("peername")
        if not isinstance(peer, tuple):
            return ""
        return self.proxies.client(str(peer[0]), head.fields.get("x-forwarded-for", ""))

    def _connection(self, transport: asyncio.Transport, head: RequestHead) -> dict[str, str]:
        """What becomes `SSH_CONNECTION` in the session, whose owner is the only one to open streams to it: the client's
        address and the server's. Nothing on a Unix socket. The client's port, which is another one each time and
        says nothing, is given as unknown."""
        client, server = self._address(transport, head), transport.get_extra_info("sockname")
        if not client or not isinstance(server, tuple):
            return {}
        return {"connection": f"{client} {_UNKNOWN_PORT} {server[0]} {server[1]}"}

    async def _follow(self, stream: "_Stream") -> None:
        """Wait for the stream's end, with a note of its beginning and its end."""
        self.streams_total += 1
        began = monotonic()
        journal, stream_id = self._journal, None
        try:
            if journal is not None:
                stream_id = journal.opened(stream.grant, stream.app, stream.address, stream.client)
            await stream.relay.wait_closed()
            self.bytes_total += stream.relay.bytes_from_left + stream.relay.bytes_from_right
            _log_end(stream, monotonic() - began)
        finally:
            relay = stream.relay
            self._streams.discard(relay)
            if journal is not None and stream_id is not None:
                journal.ended(stream_id, relay.bytes_from_left, relay.bytes_from_right, _end_of(relay))


def _log_end(stream: "_Stream", duration_s: float) -> None:
    relay = stream.relay
    log.info(
        "stream ended",
        extra={
            "session": stream.grant.session_id,
            "app": stream.app,
            "user": stream.grant.user,
            "duration_s": round(duration_s, 3),
            "bytes_in": relay.bytes_from_left,
            "bytes_out": relay.bytes_from_right,
            "end": str(_end_of(relay)),
            **({"error": repr(relay.broken)} if relay.broken else {}),
        },
    )


def _end_of(relay: Relay) -> StreamEnd:
    if relay.aborted:
        return StreamEnd(relay.aborted)
    return StreamEnd.BROKEN if relay.broken else StreamEnd.CLOSED


class _Stream(NamedTuple):
    """A stream that is joined, and what there is to say of it; `started` ends what was started for it."""

    relay: Relay
    grant: StreamGrant
    app: str
    address: str
    client: str
    started: AsyncExitStack | None


class _Target(NamedTuple):
    """What a stream's path names: an app of a session, or of a folder."""

    ref: str
    app: str
    is_folder: bool = False
    host_key: str = ""
    host_keys: str = ""

    @property
    def wishes(self) -> dict[str, str]:
        """What the agent is told beside the app."""
        wishes = {"host_key": self.host_key, "host_keys": self.host_keys}
        return {name: wish for name, wish in wishes.items() if wish}


def _refuse(transport: asyncio.Transport, problem: Problem) -> None:
    if not transport.is_closing():  # uvloop writes to none that is closed: it raises
        transport.write(problem_response(problem))
        transport.close()


def _stream_target(head: RequestHead) -> _Target:
    """Read ``/api/v1/sessions/{ref}/apps/{app}/stream[?host_key=plain][&host_keys=all]``, or
    ``/api/v1/folders/{ref}[/apps/{app}]/stream[?host_keys=all]``.

    Raises:
        NotFound: the path is another one.
        InvalidInput: it asks for a host key of a kind that there is not.
    """
    asked = parse_qs(head.target.partition("?")[2])
    host_keys = _asked_for(asked, "host_keys", heads.ALL_HOST_KEYS)
    match head.path.split("/"):
        case ["", "api", "v1", "sessions", ref, "apps", app, "stream"]:
            plain = _asked_for(asked, "host_key", heads.PLAIN_HOST_KEY)
            return _Target(unquote(ref), unquote(app), host_key=plain, host_keys=host_keys)
        case ["", "api", "v1", "folders", ref, "apps", app, "stream"]:
            return _Target(unquote(ref), unquote(app), is_folder=True, host_keys=host_keys)
        case ["", "api", "v1", "folders", ref, "stream"]:
            return _Target(unquote(ref), FolderApp.SFTP, is_folder=True)
    raise NotFound(f"there is no stream at {head.path}")


def _locale(head: RequestHead) -> dict[str, str]:
    told = head.fields.get(heads.LOCALE_HEADER, "")
    if len(told) > _LONGEST_LOCALES:
        raise InvalidInput(f"{heads.LOCALE_HEADER} is longer than the names of locales")
    return {"locale": told} if told else {}


def _asked_for(asked: dict[str, list[str]], name: str, word: str) -> str:
    value = asked.get(name, [""])[-1]
    if value not in ("", word):
        raise InvalidInput(f"{name} is {word!r} or left out", field=name)
    return value
