"""A program that runs once, beside everything else: the owner's bootstrap script, or the image's entrypoint.

What it writes goes to a log of its own in ``~/.sshore``, at a bounded rate and up to a bounded size: a program that
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
from sshore.agent.scripts import why_no_script

DIRECTORY = ".sshore"
MAX_LOG_BYTES = 1 << 20
_CHUNK_BYTES = 256 << 10
_PAUSE_S = 0.02
_NOT_YET = "waits until the session is in touch"


class LoggedProgram:
    """A program that is started once; none where `command` is empty.

    `name` is the log's, ``<name>.log``; `title` is what it is called; `directory` is where it starts, the home where
    that is not to be had; `hint` is what to look at when it cannot be started.
    """

    def __init__(
        self,
        loop: Loop,
        children: Children,
        name: str,
        title: str,
        command: tuple[str, ...],
        home: str,
        directory: str = "",
        hint: str = "",
    ) -> None:
        self._loop, self._children = loop, children
        self._name, self._title, self._command, self._hint = name, title, command, hint
        self._home, self._directory = home, directory
        self._log = self._output = -1
        self._room = MAX_LOG_BYTES
        self._began = 0.0
        self.state = _NOT_YET if command else ""
        """What has become of it, as a phrase."""

    def start(self) -> None:
        """Start it; whatever goes wrong is in the logs."""
        if not self._command:
            return
        self._log = _open_log(self._home, f"{self._name}.log", self._title)
        self._began = time.monotonic()
        read_end, write_end = os.pipe()
        null = os.open(os.devnull, os.O_RDONLY)
        with suppress(OSError):
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        try:
            self._note(f"started at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}")
            self._spawn(null, write_end)
        except (OSError, ValueError) as error:  # ValueError: it is no script, or there is a NUL in its words
            why = f"{error.strerror}{self._hint}" if isinstance(error, OSError) else str(error)
            self._ended(f"it cannot be run: {why}")
            os.close(read_end)
        else:
            os.set_blocking(read_end, False)
            self._output = read_end
            self._listen()
        finally:
            os.close(null)
            os.close(write_end)

    def _spawn(self, null: int, output: int) -> None:
        def spawn(command: tuple[str, ...]) -> int:
            return self._children.spawn(command, self._on_exit, stdin=null, stdout=output, stderr=output)

        with _Inside(self._directory):
            try:
                pid = spawn(self._command)
            except OSError as error:
                # ENOENT is the interpreter's, whose name has a CR at its end (execve(2)).
                if error.errno in (errno.ENOENT, errno.ENOEXEC) and (why := why_no_script(self._command[0])):
                    raise ValueError(why) from error
                if error.errno != errno.ENOEXEC:  # a script without a #! line
                    raise
                pid = spawn(("/bin/sh", *self._command))
        self.state = f"runs, pid {pid}"
        say(f"{self._title} runs, pid {pid}")

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
        # The pipe holds no more than this reads; what it has left in the background may still write to it.
        if self._output >= 0:
            self._read()
        self._ended(f"{describe_exit(status)}, after {time.monotonic() - self._began:.1f} s")

    def _ended(self, how: str) -> None:
        self.state = how
        self._note(how)

    def _keep(self, data: bytes) -> None:
        kept = data[: self._room]
        self._write(kept)
        if self._room and len(kept) == self._room:
            self._write(f"\n{self._name}: what it writes from here on is not kept\n".encode())
        self._room -= len(kept)

    def _note(self, what: str) -> None:
        say(f"{self._title}: {what}")
        self._write(f"{self._name}: {what}\n".encode())

    def _write(self, data: bytes) -> None:
        if self._log >= 0:
            with suppress(OSError):  # the disk is full, or the home has gone
                os.write(self._log, data)


class _Inside:
    """The agent's directory while a child is started in it: posix_spawn(3) has no other way. One thread."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._before = -1

    def __enter__(self) -> None:
        if self._directory:
            self._before = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError, ValueError):
                os.chdir(self._directory)

    def __exit__(self, *_: object) -> None:
        if self._before >= 0:
            os.fchdir(self._before)
            os.close(self._before)


def _open_log(home: str, name: str, title: str) -> int:
    """An empty log; -1 where there can be none. What lies in its place may be a link or a pipe: it is removed."""
    try:
        with suppress(FileExistsError):
            os.mkdir(f"{home}/{DIRECTORY}", 0o700)  # noqa: PTH102 - pathlib costs a megabyte
        directory = os.open(f"{home}/{DIRECTORY}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)
            return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600, dir_fd=directory)
        finally:
            os.close(directory)
    except OSError as error:
        say(f"{title} gets no log: {error.strerror}")
        return -1
