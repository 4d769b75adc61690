"""What systemd is told of the server's state, where it started it with ``Type=notify`` (sd_notify(3))."""

import asyncio
import os
import socket
from collections.abc import Mapping

READY = "READY=1"
STOPPING = "STOPPING=1"
_ALIVE = "WATCHDOG=1"


class ServiceManager:
    """The service manager; nobody, where none wants to know. Speaks one datagram a message and never waits."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        wanted_by = environment.get("WATCHDOG_PID", "")
        watched = wanted_by in ("", str(os.getpid()))
        self._watchdog_us = int(environment.get("WATCHDOG_USEC") or 0) if watched else 0

    def tell(self, state: str) -> None:
        """Say it; a manager that does not hear is no reason to fail."""
        if not self._address:
            return
        # A leading @ stands for the null byte of an abstract socket (unix(7)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            try:
                sock.sendto(state.encode(), socket.MSG_DONTWAIT, address)
            except OSError:
                return

    async def stay_alive(self) -> None:
        """Say so for the watchdog, where there is one; an event loop that hangs falls silent. Runs until cancelled."""
        while self._watchdog_us:
            self.tell(_ALIVE)
            await asyncio.sleep(self._watchdog_us / 2e6)
