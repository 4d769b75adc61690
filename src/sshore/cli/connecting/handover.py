"""Gives a stream's socket to `ssh` (ssh_config(5), ProxyUseFdpass), which then has the stream to itself.

    sshore stream --fdpass      ──descriptor on stdout──▶ ssh              it ends, as ssh waits for it to do
    sshore ssh ──fork──▶ waits at a Unix socket ──▶ take_over.py ──▶ ssh   ssh closes what it inherits (closefrom(3))

Where the socket alone is not the stream (TLS; bytes that have been read already), `ssh` gets one end of a socket pair,
and a child goes on relaying to the other. By `_socket`, as in `quick.py`.
"""

import _socket
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Relay = Callable[[_socket.socket, bytes], object]
    """Copies between a stream, of which there are first bytes, and stdin and stdout, until both have ended."""

_PATIENCE_S = 30.0
"""How long a stream is kept for an `ssh` that asks for none: one that shares a connection (ControlPath) never does."""
_LOOK_S = 0.5
_DESCRIPTOR_BYTES = 4


def waits_for_descriptor() -> bool:
    """Whether stdin and stdout are one and the same socket, as those of a ProxyCommand are that OpenSSH waits for.

    Other programs that read ssh_config do not know ProxyUseFdpass, and want the stream itself on two pipes.
    """
    try:
        if not os.path.sameopenfile(0, 1):
            return False
        stdout = _socket.socket(fileno=os.dup(1))
    except OSError:
        return False
    family = stdout.family
    stdout.close()
    return family == _socket.AF_UNIX


def hand_over(stream: _socket.socket, first: bytes, relay: "Relay") -> int:
    """Give the stream to the `ssh` whose ProxyCommand this is; the exit status.

    Ends at once: `ssh` waits for that, and the interpreter's own way takes some milliseconds.
    """
    given = stream
    if _needs_relay(stream, first):
        ours, given = _socket.socketpair()
        if os.fork() == 0:
            given.close()
            _relay(ours, stream, first, relay)
    _send(_socket.socket(fileno=1), given)
    os._exit(0)


def offer(stream: _socket.socket, first: bytes, relay: "Relay") -> str:
    """Keep the stream, in a child, for the first who connects to a Unix socket, whose path is returned."""
    listener, directory = _listen()
    path = f"{directory}/stream"
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
    listener.close()
    stream.close()
    return path


def _serve(taken: _socket.socket | None, stream: _socket.socket, first: bytes, relay: "Relay") -> None:
    if taken is None:
        os._exit(0)
    given = stream
    if _needs_relay(stream, first):
        ours, given = _socket.socketpair()
    _send(taken, given)
    taken.close()
    if given is stream:
        os._exit(0)
    given.close()
    _relay(ours, stream, first, relay)


def _wait_taken(listener: _socket.socket, user: int) -> _socket.socket | None:
    """Who connects within the time; None when nobody does, or the `ssh` that this process became is gone."""
    _let_go_of_terminal()
    listener.settimeout(_LOOK_S)
    for _ in range(int(_PATIENCE_S / _LOOK_S)):
        try:
            return _socket.socket(fileno=listener._accept()[0])  # type: ignore[attr-defined]  # what socket.accept calls
        except TimeoutError:
            if os.getppid() != user:
                break
    return None


def _relay(ours: _socket.socket, stream: _socket.socket, first: bytes, relay: "Relay") -> None:
    for descriptor in (0, 1):
        os.dup2(ours.fileno(), descriptor)
    ours.close()
    status = 1
    try:
        relay(stream, first)
        status = 0
    finally:
        os._exit(status)


def is_tls(stream: _socket.socket) -> bool:
    ssl = sys.modules.get("ssl")  # without it, nobody has made such a socket
    return ssl is not None and isinstance(stream, ssl.SSLSocket)


def _needs_relay(stream: _socket.socket, first: bytes) -> bool:
    return bool(first) or is_tls(stream)


def _send(receiver: _socket.socket, given: _socket.socket) -> None:
    descriptor = given.fileno().to_bytes(_DESCRIPTOR_BYTES, sys.byteorder)
    receiver.sendmsg([b"\0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptor)])


def _let_go_of_terminal() -> None:
    """What `ssh` reads and writes is its own: a copy kept open here would keep whoever waits for its end waiting."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(null, descriptor)
    os.close(null)


def _listen() -> tuple[_socket.socket, str]:
    """A socket in a directory of its own, in the first place that takes both: access(2) tells root that /proc does, and
    not every file system has sockets.

    Raises:
        OSError: there is none.
    """
    name = f"sshore-{os.urandom(8).hex()}"
    refusal = OSError()
    for place in (os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm"):
        # A Unix socket's path has at most 103 bytes (macOS).
        if not place or len(os.fsencode(place)) >= 60:
            continue
        try:
            return _listen_in(f"{place}/{name}"), f"{place}/{name}"
        except OSError as error:
            refusal = error
    raise refusal


def _listen_in(directory: str) -> _socket.socket:
    os.mkdir(directory, 0o700)  # whoever may enter it may have the stream
    listener = _socket.socket(_socket.AF_UNIX)
    try:
        listener.bind(f"{directory}/stream")
        listener.listen(1)
        return listener
    except OSError:
        listener.close()
        os.rmdir(directory)
        raise
