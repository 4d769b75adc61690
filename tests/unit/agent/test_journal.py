"""The session's log is bounded, whoever makes the agent write."""

import subprocess
import sys
from pathlib import Path

_WRITES = """
from sshore.agent import journal
journal.MAX_BYTES = 2000
for number in range(100):
    journal.say(f"line {number} " + "x" * 50)
"""


def test_a_full_log_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("ab") as file:
        subprocess.run([sys.executable, "-c", _WRITES], stderr=file, check=True)
    lines = log.read_text().splitlines()
    assert log.stat().st_size < 2200
    assert lines[0].endswith("the log was full: what was here before is gone")
    assert " line 99 " in lines[-1]


def test_a_pipe_is_never_full() -> None:
    done = subprocess.run([sys.executable, "-c", _WRITES], stderr=subprocess.PIPE, check=True)
    assert done.stderr.count(b"\n") == 100
