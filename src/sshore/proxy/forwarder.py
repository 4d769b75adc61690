"""A forward at work: its listeners and its connections."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain

from sshore.core.apps import SSH
from sshore.core.errors import SshoreError
from sshore.proxy import ports
from sshore.proxy.connections import PATIENCE_S, begin_relay, open_patiently
from sshore.proxy.forwards import Forward, ForwardStatus
from sshore.proxy.health import HEALTHY, Health, Report, report_of_error, report_of_folder, report_of_removed
from sshore.proxy.peers import may_connect
from sshore.proxy.refusal import refuse
from sshore.proxy.turns import Turns
from sshore.relay.join import Relay
from sshore.sdk.async_stream import OpenStream
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.problems import Code

_log = logging.getLogger(__name__)
_RETRY_BIND_S = 2.0
_RETRY_ACCEPT_S = 0.2
_MOST_AT_ONCE = 128
"""So many are accepted before others have their turn; the queue of many systems holds no more (listen(2))."""

_MOST_SENT_AWAY = 8
_NOT_YOURS = (
    "this local port is another user's of this machine: make one of your own with sshore connect, or have its owner "
    "start the local proxy with SSHORE_LOCAL_PORTS=all"
)

Targets = Callable[[Forward], StreamTarget]
"""Where a forward's streams go, with the token that holds now. Raises SshoreError when there is none."""


class Forwarder:
    """Holds one forward's port from `run` until it is cancelled. `listeners` are bound already, or empty
    where the port is to be waited for; `for_all`: also other users of this machine may connect."""

    def __init__(
        self, forward: Forward, targets: Targets, listeners: list[socket.socket], *, for_all: bool = False
    ) -> None:
        self.forward = forward
        self.connections = 0
        self._targets = targets
        self._listeners = listeners
        self._bind_error = ""
        self._report = HEALTHY
        self._turns = Turns(PATIENCE_S)
        self._for_all = for_all
        self._sending_away = 0

    @property
    def report(self) -> Report:
        """The forward's health."""
        if self._bind_error:
            detail = f"port {self.forward.port} is taken ({self._bind_error}); it is retried until it is free"
            return Report(Health.PORT_TAKEN, detail)
        return self._report

    @property
    def bind_note(self) -> str:
        """What to tell a user who connects while the port cannot be had; empty when all is well."""
        return self.report.detail if self._bind_error else ""

    @property
    def status(self) -> ForwardStatus:
        forward, report = self.forward, self.report
        return ForwardStatus(
            forward.name,
            forward.key.session_id,
            forward.key.app,
            forward.key.server,
            forward.port,
            report.health,
            report.detail,
            self.connections,
        )

    def note(self, report: Report) -> None:
        """Take note of what a connection or the server's listing has shown."""
        if report.health is not self._report.health:
            _log.info("forward %s:%d: %s %s", self.forward.name, self.forward.port, report.health, report.detail)
        self._report = report

    async def run(self) -> None:
        """Accept and serve connections; on cancellation, close the port and cut the connections off."""
        while True:
            try:
                await self._hold_port()
            except Exception:  # the other forwards go on, and this one begins again
                _log.exception("forward %s: it failed", self.forward.name)
            await asyncio.sleep(_RETRY_BIND_S)

    async def _hold_port(self) -> None:
        try:
            await self._wait_bound()
            async with asyncio.TaskGroup() as group:
                for listener in self._listeners:
                    group.create_task(self._accept(listener, group))
        finally:
            ports.close(self._listeners)
            self._listeners = []

    async def _wait_bound(self) -> None:
        while not self._listeners:
            try:
                self._listeners = ports.bind(self.forward.port)
                self._bind_error = ""
            except ports.PortTaken as taken:
                self._bind_error = str(taken)
                await asyncio.sleep(_RETRY_BIND_S)

    async def _accept(self, listener: socket.socket, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                first, _ = await loop.sock_accept(listener)
                for client in chain((first,), _waiting(listener)):
                    client.setblocking(False)
                    if self._for_all or may_connect(client):
                        group.create_task(self._serve(client))
                    elif self._sending_away < _MOST_SENT_AWAY:
                        group.create_task(self._send_away(client))
                    else:
                        client.close()
            except OSError as error:  # no descriptors left: those who wait stay in the kernel's queue
                _log.warning("forward %s: cannot accept: %s", self.forward.name, error)
                await asyncio.sleep(_RETRY_ACCEPT_S)

    async def _send_away(self, client: socket.socket) -> None:
        """Tell another user of this machine why, if only so many at once."""
        self._sending_away += 1
        try:
            with client:
                if self.forward.key.app == SSH:
                    await refuse(client, _NOT_YOURS)
        finally:
            self._sending_away -= 1

    async def _serve(self, client: socket.socket) -> None:
        self.connections += 1
        try:
            relay = await self._relay(client)
            del client  # which is the relay's, or closed; there may be thousands
            if relay is not None:
                try:
                    await relay.wait_closed()
                finally:
                    relay.abort()
        except Exception:
            _log.exception("forward %s: a connection failed", self.forward.name)
        finally:
            self.connections -= 1

    async def _relay(self, client: socket.socket) -> Relay | None:
        stream = await self._open(client)
        return None if stream is None else await begin_relay(client, stream)

    async def _open(self, client: socket.socket) -> OpenStream | None:
        """The client's stream; None where there is none: the client has been told, and is closed."""
        try:
            stream = await open_patiently(lambda: self._targets(self.forward), self._turns)
        except BaseException as error:
            with client:
                if not isinstance(error, SshoreError):
                    raise
                report = self._report_of(error)
                self.note(report)
                if self.forward.key.app == SSH:
                    await refuse(client, report.detail)
            return None
        self.note(HEALTHY)
        return stream

    def _report_of(self, error: SshoreError) -> Report:
        if error.problem.code is not Code.NOT_FOUND:
            return report_of_error(error)
        # The server knows it by its id, its user by its name.
        name = self.forward.name
        return report_of_folder(name, is_there=False) if self.forward.is_folder else report_of_removed(name)


def _waiting(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait in the kernel's queue, some at a time."""
    with suppress(BlockingIOError):
        for _ in range(_MOST_AT_ONCE):
            yield listener.accept()[0]
