"""The agent's line on the session's terminals."""

import os
import pty
from contextlib import suppress
from pathlib import Path

from sshore.agent.terminals import write_line


def test_a_line_reaches_every_terminal_and_waits_for_none(tmp_path: Path) -> None:
    """A terminal whose other end reads nothing is left out, and holds nobody up."""
    pairs = [pty.openpty() for _ in range(2)]
    stuck = pairs[1][1]
    os.set_blocking(stuck, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(stuck, b"x" * size)
    for number, (_, terminal) in enumerate(pairs):
        (tmp_path / str(number)).symlink_to(os.ttyname(terminal))
    (tmp_path / "ptmx").write_text("")
    try:
        assert write_line("it stops in 5m\x1b]0;no\a", str(tmp_path)) == 1
        assert os.read(pairs[0][0], 1000) == b"\r\n\a[it stops in 5m?]0;no?]\r\n"
        assert (tmp_path / "ptmx").read_text() == ""
    finally:
        for descriptor in (descriptor for pair in pairs for descriptor in pair):
            os.close(descriptor)
