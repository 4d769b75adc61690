"""The machine's firewall, to which every Docker daemon and Podman's service adds rules: as it was, once none runs.

Several run at a time, of several workers and runs: the first remembers the rules, the last puts them back.
"""

import fcntl
import subprocess
from typing import IO

from gate.turns import directory_of_turns

_TABLES = ("filter", "nat", "raw")


class FirewallAsItWas:
    """Held as long as a daemon runs; the rules are in the file that is the lock."""

    def __init__(self) -> None:
        self._file: IO[bytes] = (directory_of_turns() / "firewall").open("a+b")
        if self._alone():
            rules = b"".join(_run("iptables-save", "--table", table) for table in _TABLES)
            self._file.truncate(0)
            self._file.write(rules)
            self._file.flush()
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def restore(self) -> None:
        with self._file:
            if self._alone():
                self._file.seek(0)
                _run("iptables-restore", stdin=self._file.read())

    def _alone(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _run(*words: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(words, input=stdin, capture_output=True, check=True).stdout
