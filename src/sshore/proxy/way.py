"""The way to the local API, and how each end knows the other.

Where the system has them, a Unix socket in the user's config directory, which is closed to others: who listens there is
the user's own. Else a port of 127.0.0.1, at which anybody may listen when the local proxy has ended: whoever is there
proves first that it knows the token of proxy.json, by an HMAC (RFC 2104) of a number that is used once. The token goes
to nobody else.
"""

import hashlib
import hmac
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sshore.proxy.instance import LocalAddress
from sshore.sdk.config_dir import ConfigDir

PROOF_PATH = "/api/v1/proof"
HAS_SOCKETS = sys.platform != "win32"
_MOST_NONCE = 128
_BACKLOG = 64


class NotProved(OSError):
    """Who listens there is not the user's local proxy."""


def proof(token: str, nonce: str) -> str:
    """What only one who has the token can say of a number. Raises ValueError for what is no such number."""
    if not nonce or len(nonce) > _MOST_NONCE or not nonce.isalnum() or not nonce.isascii():
        raise ValueError("a nonce is of letters and digits")
    return hmac.new(token.encode(), f"sshore local proxy {nonce}".encode(), hashlib.sha256).hexdigest()


@contextmanager
def own_listener(config: ConfigDir) -> Iterator[socket.socket | None]:
    """A socket that this user alone can reach; None where the system, or the directory's file system, has none. Only
    for the holder of the lock: what is there is a former local proxy's."""
    if not HAS_SOCKETS:
        yield None
        return
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        with suppress(FileNotFoundError):
            config.proxy_socket.unlink()
        try:
            with _short(config.proxy_socket) as path:
                listener.bind(path)
            config.proxy_socket.chmod(0o600)
        except OSError:
            yield None
            return
        stack.callback(config.proxy_socket.unlink, missing_ok=True)
        listener.listen(_BACKLOG)
        yield listener


def to_own_socket(path: Path, timeout_s: float) -> HTTPConnection:
    """A connection to the user's own socket. Raises OSError."""
    connection = HTTPConnection("localhost", timeout=timeout_s)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.sock.settimeout(timeout_s)
        with _short(path) as short:
            connection.sock.connect(short)
        _check_peer(connection.sock)
    except BaseException:
        connection.close()
        raise
    return connection


def to_port(address: LocalAddress, timeout_s: float) -> HTTPConnection:
    """A connection to the port, whose listener has proved itself. Raises OSError."""
    connection = HTTPConnection("127.0.0.1", address.port, timeout=timeout_s)
    nonce = secrets.token_hex(16)
    try:
        connection.request("GET", f"{PROOF_PATH}?nonce={nonce}")
        said = connection.getresponse().read(_MOST_NONCE)
        if not hmac.compare_digest(said, proof(address.token, nonce).encode()):
            raise NotProved(f"port {address.port} is another program's")
    except HTTPException as error:
        connection.close()
        raise NotProved(f"port {address.port} is another program's") from error
    except BaseException:
        connection.close()
        raise
    return connection


def way_to(address: LocalAddress) -> "partial[HTTPConnection]":
    """What opens a connection, given a time limit in seconds."""
    if address.socket:
        return partial(to_own_socket, Path(address.socket))
    return partial(to_port, address)


def _check_peer(sock: socket.socket) -> None:
    """Where the kernel tells: whether the listener has this process's uid, or is root's (socket(7), SO_PEERCRED)."""
    if sys.platform == "linux":
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        uid = int.from_bytes(credentials[4:8], sys.byteorder)
        if uid not in (os.geteuid(), 0):
            raise NotProved(f"the local proxy's socket is held by the uid {uid}")


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for a socket's path, of which the kernel takes 107 bytes (unix(7)); the directory's by its descriptor."""
    if sys.platform != "linux":
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
