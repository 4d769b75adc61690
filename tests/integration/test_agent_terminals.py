"""The agent's line on the session's terminals."""

import os
import pty
import termios
from pathlib import Path

from sshore.agent.terminals import write_line


def test_a_line_reaches_every_terminal_and_waits_for_none(tmp_path: Path) -> None:
    """A terminal that was stopped is left out, and holds nobody up."""
    pairs = [pty.openpty() for _ in range(2)]
    termios.tcflow(pairs[1][1], termios.TCOOFF)  # as Ctrl-S does
    for number, (_, terminal) in enumerate(pairs):
        (tmp_path / str(number)).symlink_to(os.ttyname(terminal))
    (tmp_path / "ptmx").write_text("")
    try:
        assert write_line("it stops in 5m\x1b]0;no\a", str(tmp_path)) == 1
        assert b"\n\a[it stops in 5m?]0;no?]\r" in os.read(pairs[0][0], 1000)
        assert (tmp_path / "ptmx").read_text() == ""
    finally:
        for descriptor in (descriptor for pair in pairs for descriptor in pair):
            os.close(descriptor)
