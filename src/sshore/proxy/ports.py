"""Which local port a forward gets: the wanted one, the one it had last, or the first that is free, those first that
no other forward had before: programs remember the host key behind a port."""

import errno
import socket
import sys
from collections.abc import Collection, Iterator
from itertools import chain

from sshore.core.errors import Unavailable
from sshore.core.settings import RECOMMENDED_PORTS, port_warning

FIRST_PORT = 10022
_BACKLOG = 4096
"""What comes when the queue is full is not refused but left without an answer (listen(2)): its client believes itself
connected, and hears nothing, ever. The kernel makes less of it where it allows less (net.core.somaxconn)."""
_NO_IPV6 = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}

# A port whose old connections linger can be had at once by SO_REUSEADDR; on Windows that would allow a port
# on which another program listens.
if sys.platform == "win32":
    _REUSE = socket.SO_EXCLUSIVEADDRUSE
else:
    _REUSE = socket.SO_REUSEADDR


class PortTaken(Exception):
    """The port cannot be had; the message is a phrase that says why."""


def candidates(
    wanted: int | None, last: int | None, reserved: Collection[int], used: Collection[int] = ()
) -> Iterator[int]:
    """The ports to try, best first; `reserved` ones belong to forwards that wait for them, `used` ones were others',
    the latest last."""
    first = [port for port in (wanted, last) if port is not None]
    every = [*range(FIRST_PORT, RECOMMENDED_PORTS.stop), *range(RECOMMENDED_PORTS.start, FIRST_PORT)]
    before = set(used)
    fresh = (port for port in every if port not in before)
    seen = set(reserved)
    for port in chain(first, fresh, (port for port in used if port in RECOMMENDED_PORTS)):
        if port not in seen:
            seen.add(port)
            yield port


def bind_first(
    wanted: int | None, last: int | None, reserved: Collection[int], used: Collection[int] = ()
) -> tuple[int, list[socket.socket], str]:
    """Bind the best of the `candidates` that can be had; returns it, its listeners, and what the user is to be told.

    Raises:
        Unavailable: every port is taken.
    """
    why = "another forward has it" if wanted in reserved else ""
    for port in candidates(wanted, last, reserved, used):
        try:
            return port, bind(port), _note(wanted, port, why)
        except PortTaken as taken:
            if port == wanted:
                why = str(taken)
    raise Unavailable("no local port is free: close some forwards with: sshore disconnect NAME")


def bind(port: int) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where the machine has it, on ::1; both or neither.

    Raises:
        PortTaken: another program has the port, or the system does not allow it.
    """
    listeners: list[socket.socket] = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            listeners.append(_listen(family, host, port))
        except OSError as error:
            if listeners and error.errno in _NO_IPV6:
                break
            close(listeners)
            raise PortTaken(_phrase(error)) from error
    return listeners


def close(listeners: list[socket.socket]) -> None:
    for listener in listeners:
        listener.close()


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, _REUSE, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _phrase(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "another program has it"
    if error.errno == errno.EACCES:
        return "the system does not let you have it"
    return error.strerror or str(error)


def _note(wanted: int | None, got: int, why: str) -> str:
    if wanted is None or wanted == got:
        return port_warning(got) if wanted == got else ""
    return f"port {wanted} is taken ({why}); this session got port {got}"
