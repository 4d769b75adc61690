"""Connections that have not said yet all they want: bounded by peer and in all, the oldest giving way to new ones."""

import asyncio
import socket
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable

MOST = 2048
MOST_BY_PEER = 256
"""Heads come in milliseconds: so many at once are thousands of clients behind an address, or one who sends none."""

_PEER_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid (unix(7), SO_PEERCRED)."""


class Unfinished:
    """Those who are let in last are let in always: whoever holds connections open without a word loses the oldest of
    them, and keeps out nobody, not even behind the same address."""

    def __init__(self, most: int = MOST, most_by_peer: int = MOST_BY_PEER) -> None:
        self._most, self._most_by_peer = most, most_by_peer
        self._all: OrderedDict[asyncio.Transport, Hashable] = OrderedDict()
        self._by_peer: defaultdict[Hashable, OrderedDict[asyncio.Transport, None]] = defaultdict(OrderedDict)

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, transport: asyncio.Transport, shared: Callable[[str], bool]) -> None:
        """A connection has been made. `shared` says of an address that many come from there, such as a proxy's."""
        peer = _peer_of(transport)
        theirs = self._by_peer[peer]
        if len(theirs) >= self._most_by_peer and not (isinstance(peer, str) and shared(peer)):
            self._drop(next(iter(theirs)))
        elif len(self._all) >= self._most:
            self._drop(next(iter(self._all)))
        self._all[transport] = peer
        self._by_peer[peer][transport] = None

    def leave(self, transport: asyncio.Transport) -> None:
        """It has sent a head, or is gone; idempotent."""
        if transport not in self._all:
            return
        peer = self._all.pop(transport)
        theirs = self._by_peer[peer]
        del theirs[transport]
        if not theirs:
            del self._by_peer[peer]

    def _drop(self, transport: asyncio.Transport) -> None:
        self.leave(transport)
        transport.abort()


def _peer_of(transport: asyncio.Transport) -> Hashable:
    """Whose a connection is: an address or, at the other end of a Unix socket, a uid in a control group. Containers
    may have one uid, the host's root, for all their owners; control groups they do not share."""
    peer = transport.get_extra_info("peername")
    if isinstance(peer, tuple):
        return str(peer[0])
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    pid, uid, _ = _PEER_CREDENTIALS.unpack(credentials)
    return uid, _control_groups(pid)


def _control_groups(pid: int) -> bytes:
    """Those of a process (cgroups(7), /proc/[pid]/cgroup); nothing, where it is gone or out of sight."""
    try:
        with open(f"/proc/{pid}/cgroup", "rb") as file:  # noqa: PTH123 - for each link: pathlib takes longer to open it
            return file.read(4096)
    except OSError:
        return b""
