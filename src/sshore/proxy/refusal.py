"""Tells an SSH client why it is refused, in the one way in which SSH clients show it to their users.

No stream is open, so the local proxy itself is the client's peer, and is an SSH server for as long as it takes to
say no: an identification and, before any key exchange, SSH_MSG_DISCONNECT (RFC 4253 §4.2, §11.1).

    ssh: Received disconnect from 127.0.0.1 port 10022:11: SSH / SFTP is not launched …; launch it with: …
"""

import asyncio
import socket
from contextlib import suppress

_IDENTIFICATION = b"SSH-2.0-Sshore\r\n"
_SSH_MSG_DISCONNECT = 1
_BY_APPLICATION = 11
_BLOCK = 8
_MIN_PADDING = 4
_MAX_TEXT = 400
"""OpenSSH cuts off what is longer."""
_LINGER_S = 2.0


def disconnection(text: str) -> bytes:
    """All that the server says: its identification, and why it ends the connection."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    shown = printable if len(printable) <= _MAX_TEXT else f"{printable[: _MAX_TEXT - 1]}…"
    payload = bytes([_SSH_MSG_DISCONNECT]) + _BY_APPLICATION.to_bytes(4) + _string(shown.encode()) + _string(b"")
    return _IDENTIFICATION + _packet(payload)


async def refuse(client: socket.socket, text: str) -> None:
    """Say it, and wait a moment for the client to go; the client is still to be closed.

    What a client has sent is read: a socket that is closed with bytes unread is reset, and a reset destroys
    what was said before (RFC 2525 §2.17).
    """
    loop = asyncio.get_running_loop()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LINGER_S):
            await loop.sock_sendall(client, disconnection(text))
            client.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(client, 65536):
                pass


def _packet(payload: bytes) -> bytes:
    """A packet of the binary packet protocol (RFC 4253 §6), neither encrypted nor authenticated."""
    padding = _BLOCK - (4 + 1 + len(payload)) % _BLOCK
    if padding < _MIN_PADDING:
        padding += _BLOCK
    return (1 + len(payload) + padding).to_bytes(4) + bytes([padding]) + payload + bytes(padding)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
