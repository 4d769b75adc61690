"""Mounts of a thread's own: what is mounted there is seen by what is started there, and by nobody else.

Mounts belong to threads (CLONE_FS, clone(2)): the one that changes its own starts a process, which inherits them,
and ends.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_CLONE_NEWNS = 0x00020000
_MS_REC, _MS_SLAVE = 0x4000, 0x80000


def with_own_mounts(function: Callable[[ctypes.CDLL], T]) -> T:
    """Call a function, which mounts (it is given libc) and starts a process, in a thread with mounts of its own.

    Raises:
        OSError: this process may not; or the function's own.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            check(libc.unshare(_CLONE_NEWNS))
            # What the host unmounts is to go here, too; what is mounted here stays here.
            check(libc.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_SLAVE), None))
            results.append(function(libc))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="mounts")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def check(result: int) -> int:
    """The result of a call of libc's, or its error as an exception."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
