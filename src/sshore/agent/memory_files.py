"""Files in memory that a daemon of ours reads by their names below /proc, and nobody can change."""

import fcntl
import os

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


def sealed_file(name: str, contents: bytes) -> int:
    """A descriptor of a file with these contents. Without seals (fcntl(2)), every process of the account could open it
    for writing by its name in /proc.

    Raises:
        OSError: it cannot be made.
    """
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(descriptor, contents)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def path_of(descriptor: int) -> str:
    """Where another process of the same account finds it."""
    return f"/proc/{os.getpid()}/fd/{descriptor}"
