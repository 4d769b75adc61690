"""The app ``check``: for each stream a program that makes checksums, as folders have it.

No login shell starts it, so no startup file is in its way, and it ends with its stream.
"""

import os
import socket

from sshore.agent.children import Children
from sshore.agent.link import answer
from sshore.agent.replies import ok

_END_GRACE_S = 2.0


class CheckApp:
    """It goes with SSH: the server opens it only where that is launched."""

    name = "check"

    def __init__(self, children: Children, kit_bin: str) -> None:
        kit = os.path.dirname(kit_bin)  # noqa: PTH120 - pathlib costs a megabyte
        self._children = children
        self._command = (f"{kit}/python/bin/python3", "-I", "-S", f"{kit}/agent", "check-files")
        self._running: set[int] = set()

    def open(self, connection: socket.socket) -> None:
        """Hand the socket to a new program; this process keeps no copy.

        Raises:
            OSError: the gateway is gone, or no process can be made.
        """
        answer(connection, ok())
        connection.setblocking(True)
        fd = connection.fileno()
        self._running.add(
            self._children.spawn(self._command, self._ended, stdin=fd, stdout=fd, stderr=2, environment={})
        )
        connection.close()

    def stop(self) -> None:
        """End those that run."""
        self._children.end(self._running, _END_GRACE_S, lambda: None)

    def _ended(self, pid: int, status: int) -> None:
        self._running.discard(pid)
