"""``check-files``: sizes and SHA-256 of files, for whoever has sent them and wants to know that they have arrived.

Runs on a stream of its own, in a session, or confined to a storage folder where none is. One JSON line each way:

    {"path": "sub/big.tar", "length": 1048576}      of the first so many bytes; without it, of all
    {"path": "sub/big.tar", "length": 2097152, "follow": true}      of a file that is still growing to that
    {"ok": true, "size": 2097152, "length": 1048576, "sha256": "…", "mtime_ns": 1700000000000000000}
    {"ok": false, "code": "not_found", "detail": "…"}
    {"ok": "going"}      before the answer, every few seconds, to who asks for `"signs": true`
"""

import hashlib
import os
import select
import stat
import sys
import time
from io import FileIO
from typing import Any, BinaryIO

from sshore.wire.lines import MAX_LINE_BYTES, LineError, decode_line, encode_line
from sshore.wire.problems import Code

_CHUNK_BYTES = 1 << 20
_GROWS_MS = 20
_SIGN_S = 5.0


def main() -> int:
    """Answer until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer  # noqa: TID251 - a protocol, no terminal
    while line := requests.readline(MAX_LINE_BYTES):
        _say(answers, _answer(line, requests, answers))
    return 0


def _say(answers: BinaryIO, message: dict[str, Any]) -> None:
    answers.write(encode_line(message))
    answers.flush()


def _answer(line: bytes, requests: BinaryIO, answers: BinaryIO) -> dict[str, Any]:
    try:
        request = decode_line(line)
        path, length = request["path"], request.get("length")
        if not isinstance(path, str) or not isinstance(length, int | None):
            raise TypeError
        follow = request.get("follow") is True
        signs = answers if request.get("signs") is True else None
        return {"ok": True, **_check(path.encode(errors="surrogateescape"), length, requests, signs, follow=follow)}
    except FileNotFoundError:
        return _refusal(Code.NOT_FOUND, "there is no such file")
    except OSError as error:
        return _refusal(Code.FORBIDDEN, error.strerror or str(error))
    except (LineError, KeyError, TypeError, ValueError):  # ValueError: a NUL in the path
        return _refusal(Code.INVALID_INPUT, "this names no file")


class _Reading:
    """A file's bytes on their way into the checksum, while somebody waits."""

    def __init__(self, file: FileIO, requests: BinaryIO, signs: BinaryIO | None, *, follow: bool) -> None:
        self.digest = hashlib.sha256()
        self._file = file
        self._requests = requests
        self._signs = signs
        self._follow = follow
        self._last_sign = time.monotonic()

    def read(self, most: int) -> int:
        """How much was read; 0 at the end."""
        data = self._file.read(min(most, _CHUNK_BYTES))
        self.digest.update(data)
        if _has_left(self._requests, follow=self._follow, wait_ms=_GROWS_MS if self._follow and not data else 0):
            sys.exit(1)
        if self._signs and data and time.monotonic() - self._last_sign > _SIGN_S:
            self._last_sign = time.monotonic()
            _say(self._signs, {"ok": "going"})
        return len(data)


def _check(
    path: bytes, length: int | None, requests: BinaryIO, signs: BinaryIO | None, *, follow: bool
) -> dict[str, Any]:
    # Opening a pipe would wait for its other end without O_NONBLOCK.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with FileIO(descriptor) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError
        most = sys.maxsize if follow and length is not None else status.st_size
        rest = wanted = status.st_size if length is None else min(max(length, 0), most)
        reading = _Reading(file, requests, signs, follow=follow)
        while rest and ((size := reading.read(rest)) or follow):
            rest -= size
        after = os.fstat(descriptor)
        if length is None and not rest:  # /proc and others tell less than they hold
            while os.fstat(descriptor).st_size == wanted and (size := reading.read(_CHUNK_BYTES)):
                rest -= size
    return {
        "size": after.st_size if follow else status.st_size,
        "length": wanted - rest,
        "sha256": reading.digest.hexdigest(),
        "mtime_ns": after.st_mtime_ns,
    }


def _has_left(requests: BinaryIO, *, follow: bool, wait_ms: int) -> bool:
    """Whether the client is gone, who would have waited for the answer."""
    poll = select.poll()
    # Of the socket that sshd gives it closes one direction; what is not waited for in vain is answered even so.
    poll.register(requests.fileno(), select.POLLRDHUP if follow else 0)
    return bool(poll.poll(wait_ms))  # POLLHUP and POLLERR are always reported (poll(2))


def _refusal(code: Code, detail: str) -> dict[str, Any]:
    return {"ok": False, "code": str(code), "detail": detail}
