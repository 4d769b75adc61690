"""The sessions' logs: what the agent and the daemons wrote to stdout and stderr; beside it, the network's own.

    agent ──▶ <id>.pipe, a FIFO ──▶ the server ──▶ <id>.log, and <id>.log.1 before it

The session has the pipe and never the file: whoever traces its agent can write lines, which are taken at a pace and
kept up to a size, but can neither empty the file nor make it grow without limit. A pipe that is full, as when no server
runs for long, drops what is written.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from threading import Lock

from sshore.core.ids import SessionId

ROTATE_BYTES = 4 << 20
"""A log that is longer is put aside, and the one that was put aside before is gone."""
PIPE_BYTES = 64 << 10


class Logs:
    """The logs' directory. Every method is a few system calls; from any thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = Lock()
        self._pipes: dict[SessionId, int] = {}
        """Ends that are kept open, as what is in a pipe is gone with its last."""

    def open(self, session_id: SessionId) -> int:
        """A descriptor of a new pipe into a session's log, which the caller closes; what is written never waits."""
        self.close(session_id)
        os.mkfifo(self._pipe(session_id), 0o600)
        pipe = self._opened(session_id)
        if pipe is None:
            raise FileNotFoundError(self._pipe(session_id))
        return pipe

    def opened(self, session_id: SessionId) -> int | None:
        """A descriptor of a session's pipe, readable when there is something to take, which the caller closes; None
        where it has none."""
        with self._lock:
            return self._opened(session_id)

    def take(self, session_id: SessionId) -> None:
        """Put what is in a session's pipe into its log: no more than the pipe holds when it is full."""
        with self._lock:
            own = self._pipes.get(session_id)
            if own is None:
                other = self._opened(session_id)
                if other is None:
                    return
                os.close(other)
                own = self._pipes[session_id]
            with suppress(BlockingIOError):
                if said := os.read(own, PIPE_BYTES):
                    self._append(session_id, said)

    def close(self, session_id: SessionId) -> None:
        """Take what is left, and the pipe away: the session has ended."""
        self.take(session_id)
        with self._lock:
            self._pipe(session_id).unlink(missing_ok=True)
            pipe = self._pipes.pop(session_id, None)
            if pipe is not None:
                os.close(pipe)

    def let_go(self) -> None:
        """Close all descriptors; the pipes stay, for the next server."""
        for session_id in list(self._pipes):
            self.take(session_id)
        with self._lock:
            for pipe in self._pipes.values():
                os.close(pipe)
            self._pipes.clear()

    def size(self, session_id: SessionId) -> int:
        """Bytes in a session's log."""
        try:
            return self._path(session_id).stat().st_size
        except FileNotFoundError:
            return 0

    def open_network(self, session_id: SessionId) -> int:
        """A descriptor, for writing and reading, of an empty file for what slirp4netns says, which is none of the
        session's business (pasta speaks to syslog); the caller closes it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        return os.open(self._network(session_id), flags, 0o600)

    def tail(self, session_id: SessionId, tail_bytes: int, start: int = 0) -> bytes:
        """The last bytes of a session's log, none of them before `start`."""
        self.take(session_id)
        try:
            with self._path(session_id).open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(start, size - max(tail_bytes, 0)))
                return log.read(max(tail_bytes, 0))
        except FileNotFoundError:
            return b""

    def remove(self, session_id: SessionId) -> None:
        self.close(session_id)
        for path in (self._path(session_id), self._old(session_id), self._network(session_id)):
            path.unlink(missing_ok=True)

    def _opened(self, session_id: SessionId) -> int | None:
        # For both (fifo(7)): so what is written while no server runs is kept, and is no error.
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            pipe = os.open(self._pipe(session_id), flags)
        except FileNotFoundError:
            return None
        if session_id not in self._pipes:
            self._pipes[session_id] = fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, 3)
        return pipe

    def _append(self, session_id: SessionId, said: bytes) -> None:
        path = self._path(session_id)
        if self.size(session_id) > ROTATE_BYTES:
            path.replace(self._old(session_id))
        # A full disk loses lines, and nothing else.
        with suppress(OSError):
            log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(log, said)
            finally:
                os.close(log)

    def _path(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.log"

    def _old(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.log.1"

    def _network(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.network.log"

    def _pipe(self, session_id: SessionId) -> Path:
        return self._directory / f"{session_id}.pipe"
