"""A listening socket from the service manager (sd_listen_fds(3), systemd.socket(5)): its port is never free, not even
while the server restarts, and who connects meanwhile waits."""

import os
import socket
from collections.abc import MutableMapping

_FIRST = 3


def activated(environment: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """The socket that was handed over; None where none was. It is taken once: children are not to think it theirs."""
    pid, number = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not number.isdecimal() or int(number) < 1:
        return None
    os.set_inheritable(_FIRST, False)
    return socket.socket(fileno=_FIRST)
