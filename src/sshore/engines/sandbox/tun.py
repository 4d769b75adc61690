"""/dev/net/tun for slirp4netns where the host keeps the node to root, as some machines and containers do.

A server that is root does not open it to everyone, but starts slirp4netns in mounts of its own, where there
is a node that is. Mounts belong to threads (CLONE_FS, clone(2)): the one that changes its own starts
slirp4netns, which inherits them, and ends.
"""

import contextlib
import ctypes
import os
import stat
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TUN = Path("/dev/net/tun")
_DEVICE = os.makedev(10, 200)
_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NOEXEC, _MS_REC, _MS_SLAVE = 0x2, 0x8, 0x4000, 0x80000


def is_open_to(host_uid: int | None, node: Path = TUN) -> bool:
    """Whether a uid (None: this process) can open a device node for reading and writing."""
    if host_uid is None:
        return os.access(node, os.R_OK | os.W_OK)
    status = node.stat()
    wanted = stat.S_IROTH | stat.S_IWOTH
    return status.st_mode & wanted == wanted or (status.st_uid == host_uid and status.st_mode & 0o600 == 0o600)


def can_be_made() -> bool:
    """Whether this process can make an open node for slirp4netns."""
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
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _open_tun()
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="tun")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _open_tun() -> None:
    """Give the calling thread mounts of its own, with an open node; the host's are not touched."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(_CLONE_NEWNS))
    # What the host unmounts is to go here, too; what is mounted here stays here.
    _check(libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_SLAVE), None))
    directory = bytes(TUN.parent)
    _check(libc.mount(b"tmpfs", directory, b"tmpfs", ctypes.c_ulong(_MS_NOSUID | _MS_NOEXEC), b"mode=755,size=4k"))
    os.mknod(TUN, stat.S_IFCHR, _DEVICE)
    TUN.chmod(0o666)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
