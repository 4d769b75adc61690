"""The session's terminals: where a line for whoever sits there is written. Never a stream: sftp would choke on it."""

import os
from contextlib import suppress

PTS = "/dev/pts"


def write_line(text: str, directory: str = PTS) -> int:
    """Write a line to each pseudo-terminal of the account (pts(4)); on how many. A terminal that takes nothing,
    such as one stopped by Ctrl-S, is left out."""
    line = f"\r\n\a[{_printable(text)}]\r\n".encode()
    with os.scandir(directory) as entries:
        return sum(_write(entry.path, line) for entry in entries if entry.name.isdigit())


def _write(path: str, line: bytes) -> bool:
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.fstat(descriptor).st_uid == os.getuid() and os.write(descriptor, line) == len(line)
        finally:
            os.close(descriptor)
    return False


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
