"""The bytes under a channel: a socket, or the pipes of a program such as `ssh -s HOST sftp`."""

import math
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, Protocol

from sshore.sdk.blocking_stream import open_stream
from sshore.sdk.stream_head import StreamTarget

_PIPE_BYTES = 1 << 20
"""The most that Linux gives anybody (fs.pipe-max-size); 64 KiB make the two sides wait for each other."""
_PATIENCE_S, _END_S = 5.0, 2.0
_LOOK_S = 0.25
_SILENCE_S = 45.0
"""After so long without an answer to a read or a write the network is held to be cut."""


class Connection(Protocol):
    """What a channel needs of a socket."""

    def sendall(self, data: bytes | memoryview, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...

    def recv_into(self, buffer: memoryview, /) -> int: ...

    def settimeout(self, limit_s: float | None, /) -> None: ...

    def close(self) -> None: ...


def connect(target: StreamTarget, patience_s: float) -> tuple[socket.socket, bytes]:
    """A stream and its first bytes. An answer is waited for `patience_s`, or as long as a network may be silent,
    whichever is less.

    Raises:
        ApiError: the server refuses. ServerUnreachable: it does not answer.
    """
    connection, first = open_stream(target)
    silence_s = min(patience_s, _SILENCE_S)
    connection.settimeout(silence_s)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # or what was sent into nowhere would be repeated for 15 minutes
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(silence_s * 1000))
    return connection, first


class ProgramConnection:
    """A program's stdin and stdout. What it says on stderr is kept for `reason`, unless it is to be seen.

    One that keeps somebody waiting for longer than was set by `settimeout` is killed: that ends a read of a pipe, and a
    write to one, on every system alike.
    """

    def __init__(self, arguments: list[str], environment: Mapping[str, str], *, shows_errors: bool = False) -> None:
        self._errors = _scratch_file()
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if shows_errors else self._errors,
            env=dict(environment),
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        for pipe in (self._stdin, self._stdout):
            _widen(pipe.fileno())
        self._limit = _Limit(self._process)

    def settimeout(self, limit_s: float | None, /) -> None:
        """How long a read or a write may wait; it raises TimeoutError then."""
        self._limit.seconds = math.inf if limit_s is None else limit_s

    def sendall(self, data: bytes | memoryview, /) -> None:
        left = memoryview(data)
        with self._limit:
            while left:
                left = left[self._stdin.write(left) or 0 :]

    def recv(self, size: int, /) -> bytes:
        with self._limit:
            return self._stdout.read(size) or b""

    def recv_into(self, buffer: memoryview, /) -> int:
        with self._limit:
            size: int | None = self._stdout.readinto(buffer)  # type: ignore[attr-defined]  # it is a FileIO
            return size or 0

    def reason(self) -> str:
        """The program's last words; empty when it has said nothing. It has ended, or is about to."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        self._limit.close()
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


class _Limit:
    """Kills a program for which somebody waits longer than `seconds`. Entered for each piece, so it must be cheap."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.seconds = math.inf
        self._process = process
        self._deadline = math.inf
        self._is_late = False
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._kill_when_late, daemon=True)
        self._watch.start()

    def __enter__(self) -> None:
        self._deadline = time.monotonic() + self.seconds

    def __exit__(self, *_: object) -> None:
        self._deadline = math.inf
        if self._is_late:
            raise TimeoutError  # in the place of what its being killed has led to

    def close(self) -> None:
        self._closed.set()
        self._watch.join()

    def _kill_when_late(self) -> None:
        while not self._closed.wait(_LOOK_S):
            if time.monotonic() > self._deadline:
                self._is_late = True
                self._process.kill()
                return


def _scratch_file() -> BinaryIO:
    """In memory where the system has that (memfd_create(2)): there may be no directory to write to."""
    if sys.platform == "linux":
        return open(os.memfd_create("errors"), "w+b")  # noqa: PTH123 - it has no path
    return tempfile.TemporaryFile()


def _widen(pipe: int) -> None:
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # the user has many pipes already (fs.pipe-user-pages-soft)
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
