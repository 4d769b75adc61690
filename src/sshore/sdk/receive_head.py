"""Takes a head out of a socket, and not one byte more: what follows it stays for whom the socket is given to."""

import _socket

from sshore.wire.upgrades import HEAD_END, MAX_UPGRADE_HEAD_BYTES


def receive_head(connection: _socket.socket, taken: bytes = b"") -> bytes:
    """What has arrived of a head, up to its end; empty at the end of file. `taken` is what was taken of it before."""
    tail = taken[-(len(HEAD_END) - 1) :]  # the end may come in pieces
    seen = connection.recv(MAX_UPGRADE_HEAD_BYTES, _socket.MSG_PEEK)
    end = (tail + seen).find(HEAD_END)
    return connection.recv(len(seen) if end < 0 else end + len(HEAD_END) - len(tail)) if seen else b""
