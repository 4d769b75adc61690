"""Daemons that all workers of a run share: the controller starts one when a worker first asks, and ends them all.

    keeper = DaemonKeeper({"dockerd": docker_daemon})      # in the controller
    keeper.open(); keeper.address; keeper.close()
    directory = daemon_of_the_run(address, "dockerd")      # in a worker

They are no children of a worker's, since workers end at different times.
"""

import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

_DEADLINE_S = 200.0
_MESSAGE_BYTES = 4096


class HasDirectory(Protocol):
    directory: Path


class DaemonKeeper:
    """Answers on a Unix socket: a daemon's name is asked for, its directory or what went wrong is told."""

    def __init__(self, starters: Mapping[str, Callable[[], AbstractContextManager[HasDirectory]]]) -> None:
        self._starters = starters
        self._running: dict[str, Path] = {}
        self._stack = ExitStack()
        self.address = ""

    def open(self) -> None:
        self.address = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="sshore-keeper-")) + "/socket"
        listener = self._stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        listener.bind(self.address)
        listener.listen(100)
        thread = threading.Thread(target=self._serve, args=(listener,))
        thread.start()
        self._daemons = self._stack.enter_context(ExitStack())
        self._stack.callback(thread.join)
        self._stack.callback(listener.shutdown, socket.SHUT_RDWR)

    def close(self) -> None:
        """End the daemons; no worker may still ask."""
        self._stack.close()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # it is shut down
                return
            with connection:
                connection.send(self._answer(connection.recv(_MESSAGE_BYTES).decode()).encode())

    def _answer(self, name: str) -> str:
        try:
            if name not in self._running:
                self._running[name] = self._daemons.enter_context(self._starters[name]()).directory
        except Exception as error:
            return f"failed {type(error).__name__}: {error}"[:_MESSAGE_BYTES]
        return f"in {self._running[name]}"


def daemon_of_the_run(address: str, name: str) -> Path:
    """The directory of a daemon that runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(_DEADLINE_S)
        sock.connect(address)
        sock.send(name.encode())
        said, _, what = sock.recv(_MESSAGE_BYTES).decode().partition(" ")
    assert said == "in", f"{name}: {what}"
    return Path(what)
