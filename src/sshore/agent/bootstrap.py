"""The owner's bootstrap script: runs once, beside everything else, when the session is in touch.

What it writes goes to ``~/.sshore/bootstrap.log``, at a bounded rate and up to a bounded size: a script that
floods its output waits for the agent, never the other way round.
"""

import errno
import fcntl
import os
import time
from contextlib import suppress

from sshore.agent.children import Children, describe_exit
from sshore.agent.journal import say
from sshore.agent.loop import READ, Loop

DIRECTORY, NAME = ".sshore", "bootstrap.log"
MAX_LOG_BYTES = 1 << 20
_CHUNK_BYTES = 256 << 10
_PAUSE_S = 0.02


class Bootstrap:
    """A script that is started once; empty where there is none."""

    def __init__(self, loop: Loop, children: Children, script: str, home: str) -> None:
        self._loop, self._children, self._script, self._home = loop, children, script, home
        self._log = self._output = -1
        self._room = MAX_LOG_BYTES
        self._began = 0.0

    def start(self) -> None:
        """Start it; whatever goes wrong is in the logs."""
        if not self._script:
            return
        self._log = _open_log(self._home)
        self._began = time.monotonic()
        read_end, write_end = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        with suppress(OSError):
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        try:
            self._note(f"started at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")
            self._spawn(null, write_end)
        except OSError as error:
            self._note(f"it cannot be run: {error.strerror}: is its first line right?")
            os.close(read_end)
        else:
            os.set_blocking(read_end, False)
            self._output = read_end
            self._listen()
        finally:
            os.close(null)
            os.close(write_end)

    def _spawn(self, null: int, output: int) -> None:
        how = {"stdin": null, "stdout": output, "stderr": output}
        try:
            pid = self._children.spawn((self._script,), self._on_exit, **how)
        except OSError as error:
            if error.errno != errno.ENOEXEC:  # no #! line
                raise
            pid = self._children.spawn(("/bin/sh", self._script), self._on_exit, **how)
        say(f"the bootstrap script runs, pid {pid}")

    def _listen(self) -> None:
        if self._output >= 0:
            self._loop.watch(self._output, READ, lambda events: self._on_output())

    def _on_output(self) -> None:
        self._loop.unwatch(self._output)
        self._read()
        # However little came: many small writes would wake the agent as often.
        self._loop.call_later(_PAUSE_S, self._listen)

    def _read(self) -> None:
        try:
            data = os.read(self._output, _CHUNK_BYTES)
        except BlockingIOError:
            return
        self._keep(data)
        if not data:
            self._loop.unwatch(self._output)
            os.close(self._output)
            self._output = -1

    def _on_exit(self, pid: int, status: int) -> None:
        # The pipe holds no more than this reads; what the script has left in the background may still write to it.
        if self._output >= 0:
            self._read()
        self._note(f"{describe_exit(status)}, after {time.monotonic() - self._began:.1f} s")

    def _keep(self, data: bytes) -> None:
        kept = data[: self._room]
        self._write(kept)
        if self._room and len(kept) == self._room:
            self._write(b"\nbootstrap: what it writes from here on is not kept\n")
        self._room -= len(kept)

    def _note(self, what: str) -> None:
        say(f"the bootstrap script: {what}")
        self._write(f"bootstrap: {what}\n".encode())

    def _write(self, data: bytes) -> None:
        if self._log >= 0:
            with suppress(OSError):  # the disk is full, or the home has gone
                os.write(self._log, data)


def _open_log(home: str) -> int:
    """An empty log; -1 where there can be none. What lies in its place may be a link or a pipe: it is removed."""
    try:
        with suppress(FileExistsError):
            os.mkdir(f"{home}/{DIRECTORY}", 0o700)  # noqa: PTH102 - pathlib costs a megabyte
        directory = os.open(f"{home}/{DIRECTORY}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with suppress(FileNotFoundError):
                os.unlink(NAME, dir_fd=directory)
            return os.open(NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600, dir_fd=directory)
        finally:
            os.close(directory)
    except OSError as error:
        say(f"the bootstrap script gets no log: {error.strerror}")
        return -1
