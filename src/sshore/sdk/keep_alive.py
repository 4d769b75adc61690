"""TCP keep-alive: finds a dead peer or network within minutes, and never mistakes silence for death."""

import socket
from contextlib import suppress

_IDLE_S, _INTERVAL_S, _PROBES = 60, 15, 4


def keep_alive(connection: socket.socket) -> None:
    """Switch it on, at a pace that also keeps NAT tables from forgetting the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # macOS calls the idle time TCP_KEEPALIVE; older Windows have none of these.
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_S),
        ("TCP_KEEPALIVE", _IDLE_S),
        ("TCP_KEEPINTVL", _INTERVAL_S),
        ("TCP_KEEPCNT", _PROBES),
    ):
        if hasattr(socket, name):
            with suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
