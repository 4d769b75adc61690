"""The bytes under a channel: a socket, or the pipes of a program such as `ssh -s HOST sftp`."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

_PIPE_BYTES = 1 << 20
"""The most that Linux gives anybody (fs.pipe-max-size); 64 KiB make the two sides wait for each other."""
_PATIENCE_S = 5.0


class Connection(Protocol):
    """What a channel needs of a socket."""

    def sendall(self, data: bytes | memoryview, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...

    def recv_into(self, buffer: memoryview, /) -> int: ...

    def close(self) -> None: ...


class ProgramConnection:
    """A program's stdin and stdout. What it says on stderr is kept for `reason`, unless it is to be seen."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], *, shows_errors: bool = False) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
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

    def sendall(self, data: bytes | memoryview, /) -> None:
        left = memoryview(data)
        while left:
            left = left[self._stdin.write(left) or 0 :]

    def recv(self, size: int, /) -> bytes:
        return self._stdout.read(size) or b""

    def recv_into(self, buffer: memoryview, /) -> int:
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
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


def _widen(pipe: int) -> None:
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # the user has many pipes already (fs.pipe-user-pages-soft)
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
