"""Opens a stream on a blocking socket. No asyncio here: it would be half the start-up time of `sshore stream`."""

import socket
import ssl
from contextlib import suppress

from sshore.sdk.errors import ServerUnreachable
from sshore.sdk.keep_alive import keep_alive
from sshore.sdk.lookup import for_lookup
from sshore.sdk.receive_head import receive_head
from sshore.sdk.stream_head import AnswerReader, StreamTarget
from sshore.wire.heads import MAX_UPGRADE_HEAD_BYTES


def open_stream(target: StreamTarget, timeout_s: float = 30) -> tuple[socket.socket, bytes]:
    """Open a stream and return its socket and its first bytes; the caller closes it.

    Raises as `open_answered` does.
    """
    stream, first, _ = open_answered(target, timeout_s)
    return stream, first


def open_answered(target: StreamTarget, timeout_s: float = 30) -> tuple[socket.socket, bytes, dict[str, str]]:
    """As `open_stream`, with the fields of the answer.

    Over TLS the socket has no half-close of its own (TLS 1.3 has, Python's `ssl` does not offer it).

    Raises:
        ApiError: the stream was refused.
        ServerUnreachable: there was no answer.
    """
    try:
        connection = _connect(target, timeout_s)
    except OSError as error:
        raise ServerUnreachable(target.address, error) from error
    try:
        first, fields = _ask(connection, target)
        connection.settimeout(None)
        return connection, first, fields
    except OSError as error:
        connection.close()
        raise ServerUnreachable(target.address, error) from error
    except BaseException:
        connection.close()
        raise


def _connect(target: StreamTarget, timeout_s: float) -> socket.socket:
    address = target.address
    plain = socket.create_connection((for_lookup(address.host), address.port), timeout_s)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # keystrokes do not wait for acknowledgements
    keep_alive(plain)
    if not address.is_tls:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=address.host)
    except BaseException:
        with suppress(OSError):
            plain.close()
        raise


def _ask(connection: socket.socket, target: StreamTarget) -> tuple[bytes, dict[str, str]]:
    connection.sendall(target.request())
    reader = AnswerReader(target)
    taken = b""
    while True:
        data = _receive(connection, taken)
        if not data:
            raise reader.feed_eof()
        taken += data
        first = reader.feed(data)
        if first is not None:
            return first, reader.fields


def _receive(connection: socket.socket, taken: bytes) -> bytes:
    """Some of the answer, but where the socket allows it nothing after its head."""
    if isinstance(connection, ssl.SSLSocket):
        return connection.recv(MAX_UPGRADE_HEAD_BYTES)
    return receive_head(connection, taken)
