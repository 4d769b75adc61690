"""The session's log: one line per event on stderr, with the time; and sshd's own lines in it."""

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from sshore.agent.loop import READ, Loop

OnLine = Callable[[bytes], None]

MAX_BYTES = 8 << 20
_NOISE = b"Attempt to write login records by non-root user"  # true, and nobody reads them


def say(message: str) -> None:
    """Write one line; never fails, for there is nobody to tell."""
    _write(message.encode("utf-8", "backslashreplace"))


def _write(line: bytes) -> None:
    with suppress(OSError):
        _make_room()
        os.write(2, _stamped(line))


def _make_room() -> None:
    """Begin the log anew where it is a file, and full: a session that makes sshd talk fills no disk."""
    status = os.fstat(2)
    if stat.S_ISREG(status.st_mode) and status.st_size > MAX_BYTES:
        os.ftruncate(2, 0)
        os.write(2, _stamped(b"the log was full: what was here before is gone"))


def _stamped(line: bytes) -> bytes:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime()).encode()
    return stamp + line.replace(b"\n", b" ") + b"\n"


class DaemonJournal:
    """A pipe that one daemon has as stderr: its lines go to the log with time and name, noise is left out.

    `on_line` is told each line, too. `write_end` is to be closed when the daemon has it.
    """

    def __init__(self, loop: Loop, name: str, on_line: OnLine) -> None:
        self._loop, self._prefix, self._on_line = loop, name.encode() + b": ", on_line
        self._rest = b""
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        loop.watch(self._read_end, READ, lambda events: self._read())

    def close(self) -> None:
        """Log what is left; called when the daemon has ended, whoever else holds the pipe."""
        with suppress(BlockingIOError):
            while self._read_end >= 0:
                self._read()
        self._shut()

    def _read(self) -> None:
        data = os.read(self._read_end, 64 << 10)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[-4096:] if data else b""
        for line in lines:
            text = line.strip()
            if text and not text.startswith(_NOISE):
                _write(self._prefix + text)
                self._on_line(text)
        if not data:
            self._shut()

    def _shut(self) -> None:
        if self._read_end >= 0:
            self._loop.unwatch(self._read_end)
            os.close(self._read_end)
            self._read_end = -1
