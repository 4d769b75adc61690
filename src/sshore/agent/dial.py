"""Sockets to the gateway, and how long to wait between attempts."""

import errno
import os
import socket

FIRST_WAIT_S = 0.05
LOCAL_CAP_S = 1.0
REFUSED_CAP_S = 30.0
SEND_BUFFER_BYTES = 512 << 10
"""For Unix sockets, whose buffers do not grow by themselves as TCP's do: what fits is written and read in one go."""


def dial(address: str) -> socket.socket:
    """Begin to connect, without blocking, to a Unix socket's path or to ``host:port``; writable when connected.

    Raises:
        OSError: nobody listens there.
    """
    if address.startswith("/"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        return _connect(connection, address)
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    connection = socket.socket(family, kind, protocol)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return _connect(connection, place)


def _connect(connection: socket.socket, place: object) -> socket.socket:
    connection.setblocking(False)
    status = connection.connect_ex(place)  # type: ignore[arg-type]
    # A Unix socket with a full backlog says EAGAIN, and does not go on connecting by itself.
    if status not in (0, errno.EINPROGRESS):
        connection.close()
        raise OSError(status, os.strerror(status))
    return connection


class Backoff:
    """Exponential back-off with full jitter: sessions whose gateway restarts do not come back in step."""

    def __init__(self) -> None:
        self._attempts = 0

    def next_wait_s(self, cap_s: float) -> float:
        ceiling = min(cap_s, FIRST_WAIT_S * (1 << min(self._attempts, 20)))
        self._attempts += 1
        # The module `random` would cost the agent more memory than all its own code.
        return ceiling * int.from_bytes(os.urandom(4), "big") / 2**32

    def reset(self) -> None:
        self._attempts = 0
