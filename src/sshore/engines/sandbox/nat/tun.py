"""/dev/net/tun for the network `nat` where the host keeps the node to root, as some machines and containers do.

A server that is root does not open it to everyone, but starts the network's program in mounts of its own, where there
is a node that is.
"""

import contextlib
import ctypes
import os
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

from sshore.engines.sandbox.own_mounts import check, with_own_mounts

T = TypeVar("T")
TUN = Path("/dev/net/tun")
_DEVICE = os.makedev(10, 200)
_MS_NOSUID, _MS_NOEXEC = 0x2, 0x8


def is_open_to(host_uid: int | None, node: Path = TUN) -> bool:
    """Whether a uid (None: this process) can open a device node for reading and writing."""
    if host_uid is None:
        return os.access(node, os.R_OK | os.W_OK)
    status = node.stat()
    wanted = stat.S_IROTH | stat.S_IWOTH
    return status.st_mode & wanted == wanted or (status.st_uid == host_uid and status.st_mode & 0o600 == 0o600)


def can_be_made() -> bool:
    """Whether this process can make an open node for the network's program."""
    return os.geteuid() == 0 and TUN.exists() and _has_been_made()


@cache
def _has_been_made() -> bool:
    """Tried once: that root may mount and make devices does not change."""
    with contextlib.suppress(OSError):
        os.close(with_open_tun(lambda: os.open(TUN, os.O_RDWR | os.O_CLOEXEC)))
        return True
    return False


def with_open_tun(function: Callable[[], T]) -> T:
    """Call a function, which starts a process, where every uid can open /dev/net/tun.

    Raises:
        OSError: this process may not mount, or not make devices; or the function's own.
    """

    def run(libc: ctypes.CDLL) -> T:
        _open_tun(libc)
        return function()

    return with_own_mounts(run)


def _open_tun(libc: ctypes.CDLL) -> None:
    """An open node, in the calling thread's mounts."""
    directory = bytes(TUN.parent)
    check(libc.mount(b"tmpfs", directory, b"tmpfs", ctypes.c_ulong(_MS_NOSUID | _MS_NOEXEC), b"mode=755,size=4k"))
    os.mknod(TUN, stat.S_IFCHR, _DEVICE)
    TUN.chmod(0o666)
