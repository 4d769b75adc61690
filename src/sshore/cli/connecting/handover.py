"""Gives a stream's socket to `ssh` (ssh_config(5), ProxyUseFdpass), which then has the stream to itself.

    sshore stream --fdpass      ──descriptor on stdout──▶ ssh              it ends, as ssh waits for it to do
    sshore ssh ──fork──▶ waits at a Unix socket ──▶ take_over.py ──▶ ssh   ssh closes what it inherits (closefrom(3))

Where the socket alone is not the stream (TLS; bytes that have been read already), `ssh` gets one end of a socket pair,
and a child goes on relaying to the other.
"""

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

_PATIENCE_S = 30.0
"""How long a stream is kept for an `ssh` that asks for none: one that shares a connection (ControlPath) never does."""
_LOOK_S = 0.5

Relay = Callable[[socket.socket, bytes], object]
"""Copies between a stream, of which there are first bytes, and stdin and stdout, until both have ended."""


def waits_for_descriptor() -> bool:
    """Whether stdin and stdout are one and the same socket, as those of a ProxyCommand are that OpenSSH waits for.

    Other programs that read ssh_config do not know ProxyUseFdpass, and want the stream itself on two pipes.
    """
    with suppress(OSError):
        if os.path.sameopenfile(0, 1):
            with socket.socket(fileno=os.dup(1)) as stdout:
                return stdout.family == socket.AF_UNIX
    return False


def hand_over(stream: socket.socket, first: bytes, relay: Relay) -> int:
    """Give the stream to the `ssh` whose ProxyCommand this is; the exit status.

    Ends at once: `ssh` waits for that, and the interpreter's own way takes some milliseconds.
    """
    given = stream
    if _needs_relay(stream, first):
        ours, given = socket.socketpair()
        if os.fork() == 0:
            given.close()
            _relay(ours, stream, first, relay)
    with socket.socket(fileno=os.dup(1)) as ssh:
        _send(ssh, given)
    os._exit(0)


def offer(stream: socket.socket, first: bytes, relay: Relay) -> str:
    """Keep the stream, in a child, for the first who connects to a Unix socket, whose path is returned."""
    directory = f"{_temporary_directory()}/sshore-{os.urandom(8).hex()}"
    os.mkdir(directory, 0o700)  # whoever may enter it may have the stream
    path = f"{directory}/stream"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        user = os.getpid()
        if os.fork() == 0:
            try:  # whatever happens, the child never goes on with what its parent is about to do
                try:
                    taken = _wait_taken(listener, user)
                finally:
                    os.unlink(path)
                    os.rmdir(directory)
                _serve(taken, stream, first, relay)
            finally:
                os._exit(1)
    stream.close()
    return path


def _serve(taken: socket.socket | None, stream: socket.socket, first: bytes, relay: Relay) -> None:
    if taken is None:
        os._exit(0)
    given = stream
    if _needs_relay(stream, first):
        ours, given = socket.socketpair()
    with taken:
        _send(taken, given)
    if given is stream:
        os._exit(0)
    given.close()
    _relay(ours, stream, first, relay)


def _wait_taken(listener: socket.socket, user: int) -> socket.socket | None:
    """Who connects within the time; None when nobody does, or the `ssh` that this process became is gone."""
    _let_go_of_terminal()
    listener.settimeout(_LOOK_S)
    for _ in range(int(_PATIENCE_S / _LOOK_S)):
        with suppress(TimeoutError):
            return listener.accept()[0]
        if os.getppid() != user:
            break
    return None


def _relay(ours: socket.socket, stream: socket.socket, first: bytes, relay: Relay) -> None:
    for descriptor in (0, 1):
        os.dup2(ours.fileno(), descriptor)
    ours.close()
    status = 1
    try:
        relay(stream, first)
        status = 0
    finally:
        os._exit(status)


def is_tls(stream: socket.socket) -> bool:
    ssl = sys.modules.get("ssl")  # without it, nobody has made such a socket
    return ssl is not None and isinstance(stream, ssl.SSLSocket)


def _needs_relay(stream: socket.socket, first: bytes) -> bool:
    return bool(first) or is_tls(stream)


def _send(receiver: socket.socket, given: socket.socket) -> None:
    socket.send_fds(receiver, [b"\0"], [given.fileno()])


def _let_go_of_terminal() -> None:
    """What `ssh` reads and writes is its own: a copy kept open here would keep whoever waits for its end waiting."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    os.close(null)


def _temporary_directory() -> str:
    for directory in (os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR")):
        # A Unix socket's path has at most 103 bytes (macOS).
        if directory and len(directory) < 60 and os.access(directory, os.W_OK | os.X_OK):
            return directory
    return "/tmp"
