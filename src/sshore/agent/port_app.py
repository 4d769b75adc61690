"""Any app beside ssh: a command, started once, and a TCP port on the session's loopback for its streams."""

import errno
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sshore.agent.children import Children, describe_exit
from sshore.agent.config import AppConfig
from sshore.agent.journal import say
from sshore.agent.link import answer
from sshore.agent.loop import WRITE, Loop
from sshore.agent.pump import Pump
from sshore.agent.replies import Problem, Reply, ok
from sshore.wire.problems import Code

APP_END_GRACE_S = 5.0
RETRY_S = 0.05
START_PATIENCE_S = 5.0
"""How long `start` waits for the port before it says that the app is launched, if not yet ready."""
OPEN_PATIENCE_S = 30.0
"""How long a stream waits for the port of an app that runs."""


class PortApp:
    """An app that has been started; it may have ended since."""

    def __init__(self, loop: Loop, children: Children, config: AppConfig) -> None:
        """Start its command.

        Raises:
            Problem: it cannot be started.
        """
        self.config = config
        self.name = config.name
        self._loop, self._children = loop, children
        self._pumps: set[Pump] = set()
        self._stopping = False
        self.exit_status: int | None = None
        self._pid = self._spawn()

    def ready(self, reply: Reply) -> None:
        """Answer when the port accepts, when the command has ended, or when patience has."""

        def connected(connection: socket.socket) -> None:
            connection.close()
            reply(ok())

        def failed(problem: Problem) -> None:
            reply(problem.reply() if self.exit_status is not None else ok(ready=False))

        if self.config.port is None:
            reply(ok())
        else:
            self._connect(START_PATIENCE_S, connected, failed)

    def open(self, stream: socket.socket) -> None:
        """Join the stream with a new connection to the port, as soon as it accepts.

        Raises:
            Problem: it has ended, or has no port.
        """
        if self.config.port is None:
            raise Problem(Code.INVALID_INPUT, f"{self.name} has no port to stream to")
        self._check_alive()

        def connected(connection: socket.socket) -> None:
            try:
                answer(stream, ok())
            except OSError:
                stream.close()
                connection.close()
            else:
                self._pumps.add(Pump(self._loop, stream, connection, self._pumps.discard))

        def failed(problem: Problem) -> None:
            refuse(stream, problem)

        self._connect(OPEN_PATIENCE_S, connected, failed)

    def stop(self, done: Callable[[], None]) -> None:
        """End the command and its streams."""
        self._stopping = True
        for pump in list(self._pumps):
            pump.close()
        self._children.end([self._pid], APP_END_GRACE_S, done)

    def status(self) -> dict[str, Any]:
        known = {"name": self.name, "launched": self.exit_status is None, "connections": len(self._pumps)}
        if self.exit_status is None:
            return {**known, "pid": self._pid}
        return {**known, "exit_status": self.exit_status}

    def _spawn(self) -> int:
        null = os.open(os.devnull, os.O_RDONLY)
        try:
            pid = self._children.spawn(self.config.command, self._on_exit, stdin=null, stdout=2, stderr=2)
        except OSError as error:
            detail = f"{self.name} cannot be started: {self.config.command[0]}: {error.strerror}"
            raise Problem(Code.APP_FAILED, detail) from error
        finally:
            os.close(null)
        say(f"{self.name} is launched, pid {pid}")
        return pid

    def _on_exit(self, pid: int, status: int) -> None:
        self.exit_status = status
        say(f"{self.name} {describe_exit(status)}")

    def _check_alive(self) -> None:
        if self.exit_status is not None:
            raise Problem(Code.APP_FAILED, f"{self.name} {describe_exit(self.exit_status)}: launch it again")

    def _connect(
        self, patience_s: float, connected: Callable[[socket.socket], None], failed: Callable[[Problem], None]
    ) -> None:
        """Connect to the port, again and again while it is refused and the command runs."""
        deadline = time.monotonic() + patience_s

        def attempt() -> None:
            try:
                if self._stopping:
                    raise Problem(Code.APP_NOT_LAUNCHED, f"{self.name} has been stopped")
                self._check_alive()
                if time.monotonic() >= deadline:
                    detail = f"{self.name} runs, but nothing listens on port {self.config.port} of the session"
                    raise Problem(Code.APP_FAILED, detail)
            except Problem as problem:
                failed(problem)
                return
            _Attempt(self._loop, self.config.port or 0, connected, lambda: self._loop.call_later(RETRY_S, attempt))

        attempt()


class _Attempt:
    """One connection to a port of the session's loopback."""

    def __init__(
        self, loop: Loop, port: int, connected: Callable[[socket.socket], None], refused: Callable[[], object]
    ) -> None:
        self._loop, self._connected, self._refused = loop, connected, refused
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._socket.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS):
            loop.watch(self._socket.fileno(), WRITE, self._on_connected)
        else:
            self._give_up()

    def _on_connected(self, events: int) -> None:
        self._loop.unwatch(self._socket.fileno())
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._give_up()
        else:
            self._connected(self._socket)

    def _give_up(self) -> None:
        self._socket.close()
        self._refused()


def refuse(connection: socket.socket, problem: Problem) -> None:
    """Answer with a problem, and close."""
    with suppress(OSError):
        answer(connection, problem.reply())
    connection.close()
