"""The kernel's session keyring (session-keyring(7)): inherited by every child, whatever its uid.

A server that was started from a login may hold that login's keys there, Kerberos tickets for one, and
whoever inherits the keyring may read them. So each session gets an empty one of its own.
"""

import ctypes
import platform

_SYS_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "ppc64le": 271, "s390x": 280}
_KEYCTL_JOIN_SESSION_KEYRING = 1


def leave_session_keyring() -> None:
    """Give the calling thread, and the processes that it starts from now on, a new and empty session keyring.

    Where the kernel has no keyrings, or forbids the call as containers do, there is nothing to inherit.
    """
    number = _SYS_KEYCTL.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, _KEYCTL_JOIN_SESSION_KEYRING, None)
