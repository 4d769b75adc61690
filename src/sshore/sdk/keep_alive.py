"""TCP keep-alive: finds a dead peer or network within minutes, and never mistakes silence for death.

By `_socket`: `ssh` waits (`sshore.cli.connecting.quick`).
"""

import _socket

_IDLE_S, _INTERVAL_S, _PROBES = 60, 15, 4


def keep_alive(connection: _socket.socket) -> None:
    """Switch it on, at a pace that also keeps NAT tables from forgetting the connection."""
    connection.setsockopt(_socket.SOL_SOCKET, _socket.SO_KEEPALIVE, 1)
    # macOS calls the idle time TCP_KEEPALIVE; older Windows have none of these.
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_S),
        ("TCP_KEEPALIVE", _IDLE_S),
        ("TCP_KEEPINTVL", _INTERVAL_S),
        ("TCP_KEEPCNT", _PROBES),
    ):
        option = getattr(_socket, name, None)
        if option is not None:
            try:
                connection.setsockopt(_socket.IPPROTO_TCP, option, value)
            except OSError:
                continue
