"""Whose program is at the other end of a connection within this machine, where the system tells.

A port of the loopback is everybody's on the machine. The session's sshd lets nobody in without a key, but who connects
and says nothing would take its user's streams, descriptors and turns. Linux knows whose each socket is (sock_diag(7)):
one question a connection, of which the kernel finds the answer by a hash, as it does for each packet; /proc/net/tcp
would have it list every connection of the machine. Where nothing is known, whoever connects is let in.
"""

import os
import socket
import struct
import sys
from contextlib import suppress

_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr (netlink(7)): length, type, flags, sequence, port."""
_QUESTION = struct.Struct("=BBBxI")
"""Of struct inet_diag_req_v2: family, protocol, extensions, states; an identity follows."""
_IDENTITY = struct.Struct("!HH16s16s4s8s")
"""struct inet_diag_sockid: ports and addresses of the socket that is asked about, interface, cookie."""
_ANSWER = struct.Struct("=BBBB48sIIIII")
"""struct inet_diag_msg: family, state, …, the identity, …, uid, inode."""
_ANY_COOKIE = b"\xff" * 8


def may_connect(client: socket.socket) -> bool:
    """Whether an accepted connection is of a program of this user's, or of root's, or it is not known whose."""
    return uid_of_peer(client) in (None, 0, os.geteuid() if sys.platform == "linux" else 0)


def uid_of_peer(client: socket.socket) -> int | None:
    """The uid whose socket is at the other end; None where the system does not tell, or it is closed already."""
    if sys.platform != "linux":
        return None
    with suppress(OSError, struct.error):  # without NETLINK_SOCK_DIAG, as in some containers
        return _asked(client)
    return None


def _asked(client: socket.socket) -> int | None:
    theirs, ours = client.getpeername(), client.getsockname()
    # Seen from the other end: its own address comes first.
    ends = _IDENTITY.pack(theirs[1], ours[1], _packed(client, theirs[0]), _packed(client, ours[0]), b"", _ANY_COOKIE)
    question = _QUESTION.pack(client.family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF) + ends
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _SOCK_DIAG) as kernel:
        kernel.send(_HEADER.pack(_HEADER.size + len(question), _BY_FAMILY, _REQUEST, 0, 0) + question)
        answer = kernel.recv(4096)  # it is there when `send` returns
    if _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    *_, identity, _, _, _, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    same = identity[:36] == ends[:36]  # else it is a listener, which the kernel finds where there is no such connection
    return uid if same and inode else None


def _packed(client: socket.socket, address: str) -> bytes:
    return socket.inet_pton(client.family, address.partition("%")[0]).ljust(16, b"\0")
