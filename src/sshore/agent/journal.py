"""The session's log: one line per event on stderr, with the time; and sshd's own lines in it."""

import fcntl
import os
import time
from contextlib import suppress

from sshore.agent.loop import READ, Loop

_NOISE = b"Attempt to write login records by non-root user"  # true, and nobody reads them


def say(message: str) -> None:
    """Write one line; never fails, for there is nobody to tell."""
    _write(message.encode("utf-8", "backslashreplace"))


def _write(line: bytes) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()).encode()
    with suppress(OSError):
        os.write(2, stamp + line.replace(b"\n", b" ") + b"\n")


class DaemonJournal:
    """A pipe that daemons have as stderr: their lines go to the log with time and name, noise is left out."""

    def __init__(self, loop: Loop, name: str) -> None:
        self._prefix = name.encode() + b": "
        self._rest = b""
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        # Room for a line of every one of many daemons, so that none waits for the agent.
        with suppress(OSError):
            fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, 256 << 10)
        loop.watch(self._read_end, READ, self._on_lines)

    def _on_lines(self, events: int) -> None:
        lines = (self._rest + os.read(self._read_end, 64 << 10)).split(b"\n")
        self._rest = lines.pop()[-4096:]
        for line in lines:
            text = line.strip()
            if text and not text.startswith(_NOISE):
                _write(self._prefix + text)
