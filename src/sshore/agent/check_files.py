"""``check-files``: sizes and SHA-256 of files, for whoever has sent them and wants to know that they have arrived.

Runs confined to a storage folder, on a stream of its own, where no session is. One JSON line each way:

    {"path": "sub/big.tar", "length": 1048576}      of the first so many bytes; without it, of all
    {"path": "sub/big.tar", "length": 2097152, "follow": true}      of a file that is still growing to that
    {"ok": true, "size": 2097152, "length": 1048576, "sha256": "…"}
    {"ok": false, "code": "not_found", "detail": "…"}
"""

import hashlib
import os
import select
import stat
import sys
from typing import Any, BinaryIO

from sshore.wire.lines import MAX_LINE_BYTES, LineError, decode_line, encode_line
from sshore.wire.problems import Code

_CHUNK_BYTES = 1 << 20
_GROWS_MS = 20


def main() -> int:
    """Answer until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while line := requests.readline(MAX_LINE_BYTES):
        answers.write(encode_line(_answer(line, requests)))
        answers.flush()
    return 0


def _answer(line: bytes, requests: BinaryIO) -> dict[str, Any]:
    try:
        request = decode_line(line)
        path, length = request["path"], request.get("length")
        if not isinstance(path, str) or not isinstance(length, int | None):
            raise TypeError
        follow = request.get("follow") is True
        return {"ok": True, **_check(path.encode(errors="surrogateescape"), length, requests, follow=follow)}
    except FileNotFoundError:
        return _refusal(Code.NOT_FOUND, "there is no such file")
    except OSError as error:
        return _refusal(Code.FORBIDDEN, error.strerror or str(error))
    except (LineError, KeyError, TypeError, ValueError):  # ValueError: a NUL in the path
        return _refusal(Code.INVALID_INPUT, "this names no file")


def _check(path: bytes, length: int | None, requests: BinaryIO, *, follow: bool) -> dict[str, Any]:
    # Opening a pipe would wait for its other end without O_NONBLOCK.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError
        most = sys.maxsize if follow and length is not None else status.st_size
        wanted = status.st_size if length is None else min(max(length, 0), most)
        digest, rest = hashlib.sha256(), wanted
        while rest and ((data := file.read(min(rest, _CHUNK_BYTES))) or follow):
            digest.update(data)
            rest -= len(data)
            if _has_left(requests, follow=follow, wait_ms=0 if data else _GROWS_MS):
                sys.exit(1)
        size = os.fstat(file.fileno()).st_size if follow else status.st_size
    return {"size": size, "length": wanted - rest, "sha256": digest.hexdigest()}


def _has_left(requests: BinaryIO, *, follow: bool, wait_ms: int) -> bool:
    """Whether the client is gone, who would have waited for the answer."""
    poll = select.poll()
    # Of the socket that sshd gives it closes one direction; what is not waited for in vain is answered even so.
    poll.register(requests.fileno(), select.POLLRDHUP if follow else 0)
    return bool(poll.poll(wait_ms))  # POLLHUP and POLLERR are always reported (poll(2))


def _refusal(code: Code, detail: str) -> dict[str, Any]:
    return {"ok": False, "code": str(code), "detail": detail}
