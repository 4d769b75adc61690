"""`sshore stream`: a stream on stdin and stdout, or its socket handed to `ssh`.

Two blocking threads and no asyncio: `ssh` waits for this program in every connection.
"""

import os
import socket
import sys
import threading
from contextlib import suppress

from sshore.cli.failures import FAILED, say, suggesting
from sshore.cli.local_user import LocalUser
from sshore.core.errors import InvalidInput, SshoreError
from sshore.core.names import FOLDER_PREFIX, session_of_host
from sshore.sdk.blocking_stream import open_stream
from sshore.sdk.errors import ApiError, explain
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.problems import Code

_CHUNK_BYTES = 256 * 1024
_SYNOPSIS = "usage: sshore stream NAME[.sshore] [--app APP], or folder:NAME"


def run_stream(user: LocalUser, arguments: list[str]) -> int:
    """Run ``stream NAME[.sshore] [--app APP] [--fdpass]``."""
    ref, app, fdpass = _parse(arguments)
    stream, first = open_session_stream(user, ref, app)
    if fdpass:
        return _hand_over(stream, first)
    return pump(stream, first)


def open_session_stream(user: LocalUser, ref: str, app: str) -> tuple[socket.socket, bytes]:
    """Open a stream; a refusal says what to do about it."""
    login = user.login()
    try:
        return open_stream(StreamTarget(login.address, login.token, ref, app))
    except ApiError as error:
        if error.problem.code is Code.NOT_FOUND and not ref.startswith(FOLDER_PREFIX):
            with user.client() as client, suggesting(client, ref):
                raise
        if error.problem.code is Code.APP_NOT_LAUNCHED and "sshore" not in error.detail:
            detail = f"{error.detail.rstrip('.')}; launch it with: sshore app start {ref} {app}"
            raise SshoreError(detail, code=Code.APP_NOT_LAUNCHED) from error
        raise


def pump(stream: socket.socket, first: bytes) -> int:
    """Copy stdin to the stream and the stream to stdout until both have ended; each end is passed on by itself."""
    _make_binary()
    up = threading.Thread(target=_send, args=(stream,), daemon=True)
    up.start()
    try:
        _write(memoryview(first))
        # One buffer for all: a new one of this size for each read would be mapped and unmapped each time.
        buffer = memoryview(bytearray(_CHUNK_BYTES))
        while size := stream.recv_into(buffer):
            _write(buffer[:size])
    except BrokenPipeError:  # whoever read our stdout has gone
        return FAILED
    except OSError as error:
        say(f"the connection to the server broke: {explain(error)}")
        return FAILED
    os.close(1)
    up.join()
    return 0


def _send(stream: socket.socket) -> None:
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    with suppress(OSError):
        while size := _read(buffer):
            stream.sendall(buffer[:size])
        # Over TLS this ends both directions: Python's ssl has no half-close.
        stream.shutdown(socket.SHUT_WR)


def default_app(ref: str) -> str:
    """SSH in sessions; in folders SFTP, which needs no SSH there."""
    return "sftp" if ref.startswith(FOLDER_PREFIX) else "ssh"


def _make_binary() -> None:
    if sys.platform == "win32":  # or line ends would be translated
        import msvcrt

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)


def _read(buffer: memoryview) -> int:
    if sys.platform != "win32":
        return os.readv(0, [buffer])
    data = os.read(0, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _write(data: memoryview) -> None:
    while data:
        data = data[os.write(1, data) :]


def _hand_over(stream: socket.socket, first: bytes) -> int:
    """Give the socket to `ssh` (ssh_config(5), ProxyUseFdpass), which then has the stream to itself."""
    if sys.platform == "win32":
        raise SshoreError("sockets cannot be handed over on Windows: use sshore stream without --fdpass")
    if first:
        raise SshoreError("the server's answer and the stream came as one: use sshore stream without --fdpass")
    with socket.socket(fileno=os.dup(1)) as ssh:
        socket.send_fds(ssh, [b"\0"], [stream.fileno()])
    return 0


def _parse(arguments: list[str]) -> tuple[str, str, bool]:
    names, app, fdpass = [], None, False
    rest = iter(arguments)
    for word in rest:
        if word == "--app":
            app = next(rest, "")
        elif word.startswith("--app="):
            app = word.partition("=")[2]
        elif word == "--fdpass":
            fdpass = True
        elif word.startswith("-"):
            raise InvalidInput(f"unknown option {word}; {_SYNOPSIS}")
        else:
            names.append(word)
    if len(names) != 1 or app == "":
        raise InvalidInput(_SYNOPSIS)
    return session_of_host(names[0]), app or default_app(names[0]), fdpass
