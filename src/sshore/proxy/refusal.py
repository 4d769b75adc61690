"""Tells an SSH client why it is refused, in the way in which this client shows it to its user.

No stream is open, so the local proxy itself is the client's peer, and is an SSH server for as long as it takes to
say no: an identification and, before any key exchange, SSH_MSG_DISCONNECT (RFC 4253 §4.2, §11.1).

    ssh: Received disconnect from 127.0.0.1 port 10022:7: SSH / SFTP is not launched …; launch it with: …

Paramiko and Dropbear show nobody what a disconnection says. Both quote an identification that they cannot accept,
so it is there that they, who are known by their own, find the reason. docs/clients.md has what others show.
"""

import asyncio
import socket
from contextlib import suppress

_IDENTIFICATION = b"SSH-2.0-Sshore\r\n"
_SSH_MSG_DISCONNECT = 1
_SERVICE_NOT_AVAILABLE = 7
"""The reason for which ssh2 of npm, too, shows the description; at 11 (by application) it falls silent."""
_BLOCK = 8
_MIN_PADDING = 4
_MAX_TEXT = 400
"""OpenSSH cuts off what is longer."""
_LINGER_S = 2.0
_PATIENCE_S = 1.0
"""For the client's identification. It is there by now, but for clients that wait for the server's, as libssh does."""
_MAX_IDENTIFICATION = 255
"""Bytes, with its line end (RFC 4253 §4.2); Dropbear reads no longer one."""
_PARAMIKO_LINES = 100
"""So many lines Paramiko reads in search of an identification, and quotes the last."""


def refusal(client: bytes, text: str) -> bytes:
    """All that the server says to a client that has said this so far."""
    shown = _printable(text)
    if client.startswith(b"SSH-2.0-paramiko"):
        return f"{shown}\r\n".encode() * _PARAMIKO_LINES
    if client.startswith(b"SSH-2.0-dropbear"):
        # "Incompatible remote version 'SSH-1.0-…'"
        line = f"SSH-1.0-{shown}".encode()[: _MAX_IDENTIFICATION - 2]
        return line.decode(errors="ignore").encode() + b"\r\n"
    return disconnection(text)


def disconnection(text: str) -> bytes:
    """The server's identification, and why it ends the connection."""
    description = _string(_printable(text).encode()) + _string(b"")
    payload = bytes([_SSH_MSG_DISCONNECT]) + _SERVICE_NOT_AVAILABLE.to_bytes(4) + description
    return _IDENTIFICATION + _packet(payload)


async def refuse(client: socket.socket, text: str) -> None:
    """Say it, and wait a moment for the client to go; the client is still to be closed.

    What a client has sent is read: a socket that is closed with bytes unread is reset, and a reset destroys
    what was said before (RFC 2525 §2.17).
    """
    loop = asyncio.get_running_loop()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PATIENCE_S + _LINGER_S):
            await loop.sock_sendall(client, refusal(await _first_words(client), text))
            client.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(client, 65536):
                pass


async def _first_words(client: socket.socket) -> bytes:
    """What the client has sent, or sends within a moment; an identification comes in one piece."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(client, 65536)
    except TimeoutError:
        return b""


def _printable(text: str) -> str:
    """One line that garbles no terminal."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1]}…"


def _packet(payload: bytes) -> bytes:
    """A packet of the binary packet protocol (RFC 4253 §6), neither encrypted nor authenticated."""
    padding = _BLOCK - (4 + 1 + len(payload)) % _BLOCK
    if padding < _MIN_PADDING:
        padding += _BLOCK
    return (1 + len(payload) + padding).to_bytes(4) + bytes([padding]) + payload + bytes(padding)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
