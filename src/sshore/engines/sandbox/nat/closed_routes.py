"""Closes a session's network towards link-local addresses: `python -I -S closed_routes.py USER NET`.

Clouds have their metadata services there (169.254.169.254; RFC 3927), which give the machine's credentials to whoever
asks. A route of the type `prohibit` (ip-route(8)) stands before those that lead out, and answers "Permission denied".
The session has no right to change routes; of IPv6 it has nothing but its own loopback.

A process of its own, of one thread: no other can enter a user namespace. USER and NET are descriptors of the network
namespace and of the user namespace that has power over it. Standard library only, and little of it: a start waits.
"""

import ctypes
import os
import socket
import struct
import sys

_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_RTM_NEWROUTE, _NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE = 24, 0x1, 0x4, 0x400
_RT_TABLE_MAIN, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RTN_PROHIBIT, _RTA_DST = 254, 4, 0, 8, 1
_NET, _BITS = socket.inet_aton("169.254.0.0"), 16
_HEADER, _ROUTE, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=8BI"), struct.Struct("=HH")
"""struct nlmsghdr (netlink(7)), struct rtmsg, struct rtattr (rtnetlink(7))."""


def close_routes(user: int, net: int) -> None:
    """Enter a network namespace for good, and close what is to be closed there. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    for namespace, kind in ((user, _CLONE_NEWUSER), (net, _CLONE_NEWNET)):
        if libc.setns(namespace, kind) < 0:
            raise _error(ctypes.get_errno())
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(_prohibit())
        # struct nlmsgerr: a number of errno(3), negative, or 0
        (failed,) = struct.unpack_from("=i", kernel.recv(4096), _HEADER.size)
    if failed:
        raise _error(-failed)


def _prohibit() -> bytes:
    way = (_RT_TABLE_MAIN, _RTPROT_STATIC, _RT_SCOPE_UNIVERSE, _RTN_PROHIBIT)
    route = _ROUTE.pack(socket.AF_INET, _BITS, 0, 0, *way, 0)
    destination = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(_NET), _RTA_DST) + _NET
    length = _HEADER.size + len(route) + len(destination)
    flags = _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE
    return _HEADER.pack(length, _RTM_NEWROUTE, flags, 1, 0) + route + destination


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


if __name__ == "__main__":
    close_routes(*map(int, sys.argv[1:]))
