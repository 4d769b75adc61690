"""The sessions' logs: what the agent and the daemons wrote to stdout and stderr; beside it, the network's own."""

import os
from pathlib import Path

from sshore.core.ids import SessionId

ROTATE_BYTES = 10 << 20


class Logs:
    """The logs' directory. Every method is a few system calls."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self, session_id: SessionId) -> int:
        """A descriptor that appends to a session's log, which the caller closes; a long log is put aside before."""
        path = self._path(session_id)
        if path.exists() and path.stat().st_size > ROTATE_BYTES:
            path.replace(self._old(session_id))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def open_network(self, session_id: SessionId) -> int:
        """A descriptor, for writing and reading, of an empty file for what slirp4netns says, which is none of the
        session's business (pasta speaks to syslog); the caller closes it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._network(session_id), flags, 0o600)

    def tail(self, session_id: SessionId, tail_bytes: int, start: int = 0) -> bytes:
        """The last bytes of a session's log, none of them before `start`."""
        try:
            with self._path(session_id).open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(start, size - max(tail_bytes, 0)))
                return log.read(max(tail_bytes, 0))
        except FileNotFoundError:
            return b""

    def remove(self, session_id: SessionId) -> None:
        for path in (self._path(session_id), self._old(session_id), self._network(session_id)):
            path.unlink(missing_ok=True)

    def _path(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.log"

    def _old(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.log.1"

    def _network(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.network.log"
