"""A terminal with a user at it: runs a program on a pseudo-terminal, types, reads, resizes."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DEADLINE_S = 15.0
_UNSEEN = re.compile(r"\x1b\]3008;[^\x07\x1b]*(?:\x07|\x1b\\|\x1b?\Z)")
"""A shell under systemd 258 or later so tells the terminal where prompts and commands begin and end (OSC 3008)."""


class Terminal:
    """The user's side of a pseudo-terminal. `text` is all that the program has written for the user to see."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.text = ""
        self._written = ""
        self._process = process
        self._master = master
        self._read_up_to = 0

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def resize(self, rows: int, columns: int) -> None:
        """Change the window's size; the kernel tells the foreground programs (SIGWINCH)."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def expect(self, pattern: str, *, key: str = "") -> re.Match[str]:
        """Read until a pattern appears after what was expected before; `key` is typed each half second meanwhile."""
        deadline = time.monotonic() + DEADLINE_S
        types_at = time.monotonic() if key else deadline
        while (match := re.compile(pattern).search(self.text, self._read_up_to)) is None:
            if time.monotonic() >= types_at:
                self.type(key)
                types_at = min(types_at + 0.5, deadline)
            more = self._read(types_at)
            assert more or time.monotonic() < deadline, f"{pattern!r} did not appear in {self.text[-2000:]!r}"
        self._read_up_to = match.end()
        return match

    def wait(self) -> int:
        """The exit status of the program, as soon as it has ended."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            pass
        return self._process.wait(max(deadline - time.monotonic(), 0.1))

    def _read(self, deadline: float) -> bool:
        readable, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        try:
            data = os.read(self._master, 65536) if readable else b""
        except OSError:  # EIO: the last process on the other side has gone
            data = b""
        self._written += data.decode(errors="replace")
        self.text = _UNSEEN.sub("", self._written)
        return bool(data)


@contextmanager
def terminal(
    arguments: list[str], environment: Mapping[str, str], *, rows: int = 24, columns: int = 80, cwd: Path | None = None
) -> Iterator[Terminal]:
    """Run a program with a terminal of its own as its controlling terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        # The size's changes are told to those whose controlling terminal it is. What a shell has started in the
        # background ignores SIGINT, and so would this.
        ["setsid", "--ctty", "env", "--default-signal=INT", *arguments],
        env={**environment, "TERM": "xterm"},
        cwd=cwd,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    made = Terminal(process, master)
    made.resize(rows, columns)
    try:
        yield made
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
        os.close(master)
