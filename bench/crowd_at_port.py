"""(i) Many connections at once at one local port, all kept open; one more meanwhile; and what all of them weigh."""

import errno
import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.deployment import Deployment
from bench.figures import Figure
from bench.processes import resident_bytes
from bench.turns import Pace

_DEADLINE_S = 60.0
"""So long the crowd may take; who has no line then counts as having none."""
_TARGET_S = 20.0
_MORE = 15
"""So many times one more connection is made: the median counts."""
_MIB = 1 << 20


@dataclass(slots=True)
class _Caller:
    """One connection: seconds since it was made until it stood, and until sshd's first line; None: it never came."""

    socket: socket.socket
    began: float
    stood_s: float | None = None
    line_s: float | None = None
    trouble: str = ""


def crowd_at_port(ours: Deployment, size: int, pace: Pace) -> list[Figure]:
    """Figures of `size` connections that come at once through one forward."""
    pids = {ours.server_pid, ours.proxy_pid}
    pace.wait_quiet()
    with _descriptors(size), _callers(ours.endpoint.port, 1) as warm:
        _hear(warm)
        before = sum(map(resident_bytes, pids))
        began = time.perf_counter()
        with _callers(ours.endpoint.port, size) as crowd:
            _hear(crowd)
            whole_s = time.perf_counter() - began
            more = _one_more(ours.endpoint.port)
            grown = sum(map(resident_bytes, pids)) - before
    return _figures(crowd, whole_s, more, grown)


def _figures(crowd: list[_Caller], whole_s: float, more: list[_Caller], grown: int) -> list[Figure]:
    size = len(crowd)
    heard = [caller.line_s for caller in crowd if caller.line_s is not None]
    stood = [caller.stood_s for caller in crowd if caller.stood_s is not None]
    refused = sum(bool(caller.trouble) for caller in crowd)
    samples = {
        "line_s": sorted(heard),
        "stood_s": sorted(stood),
        "troubles": [caller.trouble for caller in crowd if caller.trouble],
        "more_line_s": [caller.line_s for caller in more],
        "more_stood_s": [caller.stood_s for caller in more],
    }
    named = f"{size} at once at one port"
    more_s = sorted(caller.line_s or _DEADLINE_S for caller in more)[len(more) // 2]
    slowest_s = max(stood) if len(stood) == size else _DEADLINE_S
    return [
        Figure(
            "i", f"{named}: hear sshd", len(heard), "ok", None, f"all {size}", len(heard), least=size, samples=samples
        ),
        Figure("i", f"{named}: refused or cut off", refused, "", None, "none", refused, most=0),
        Figure("i", f"{named}: until the last hears", whole_s, "s", None, "≤ 20 s", whole_s, most=_TARGET_S),
        Figure("i", f"{named}: slowest TCP handshake", slowest_s, "s", None, "≤ 1 s", slowest_s, most=1.0),
        Figure("i", f"one more while {size} are open", more_s * 1e3, "ms", None, "≤ 50 ms", more_s * 1e3, most=50.0),
        Figure("i", f"{named}: server and proxy", grown / _MIB, "MiB", None, "≤ 12 MiB", grown / _MIB, most=12.0),
    ]


def _one_more(port: int) -> list[_Caller]:
    more = []
    for _ in range(_MORE):
        with _callers(port, 1) as one:
            _hear(one)
            more += one
    return more


@contextmanager
def _callers(port: int, size: int) -> Iterator[list[_Caller]]:
    """So many connections, begun at once; closed at the end."""
    callers: list[_Caller] = []
    try:
        for _ in range(size):
            connection = socket.socket()
            callers.append(_Caller(connection, time.perf_counter()))
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        yield callers
    finally:
        for caller in callers:
            caller.socket.close()


def _hear(callers: list[_Caller]) -> None:
    """Note when each stands and when each has heard sshd, until all have, or are refused, or time is up."""
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_WRITE, caller)
        deadline = time.perf_counter() + _DEADLINE_S
        while selector.get_map() and time.perf_counter() < deadline:
            for key, _ in selector.select(1):
                _advance(selector, key.data)


def _advance(selector: selectors.BaseSelector, caller: _Caller) -> None:
    since_s = time.perf_counter() - caller.began
    if caller.stood_s is None and not (why := caller.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
        caller.stood_s = since_s
        selector.modify(caller.socket, selectors.EVENT_READ, caller)
        return
    if caller.stood_s is None:
        caller.trouble = errno.errorcode.get(why, str(why))
    else:
        try:
            said = caller.socket.recv(256)
        except OSError as error:
            said, caller.trouble = b"", str(error)
        # The refusal that the local proxy speaks itself is an SSH server's, too, but not this one's.
        if said.startswith(b"SSH-2.0-OpenSSH"):
            caller.line_s = since_s
        else:
            caller.trouble = caller.trouble or f"it said {said!r}"
    selector.unregister(caller.socket)


@contextmanager
def _descriptors(size: int) -> Iterator[None]:
    """Room for so many sockets in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(before[0], size + 256)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
