"""The one JSON line each way on a link: what the gateway asks, what the agent answers."""

import json
from typing import Any

MAX_LINE_BYTES = 64 * 1024


class LineError(ValueError):
    """The bytes are not one JSON object on one line of at most `MAX_LINE_BYTES`."""


def encode_line(message: dict[str, Any]) -> bytes:
    """One JSON object and a line feed.

    Raises:
        LineError: it would be longer than `MAX_LINE_BYTES`.
    """
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise LineError(f"the message is longer than {MAX_LINE_BYTES} bytes")
    return line


def split_line(data: bytes | bytearray) -> tuple[dict[str, Any], bytes] | None:
    """Split what has arrived into the message and the bytes after its line; None while it is incomplete.

    Raises:
        LineError: it is not a JSON object, or it is too long.
    """
    end = data.find(b"\n", 0, MAX_LINE_BYTES)
    if end < 0:
        if len(data) >= MAX_LINE_BYTES:
            raise LineError(f"the line is longer than {MAX_LINE_BYTES} bytes")
        return None
    return decode_line(bytes(data[:end])), bytes(data[end + 1 :])


def decode_line(line: bytes) -> dict[str, Any]:
    """Read one line without its line feed.

    Raises:
        LineError: it is not a JSON object.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineError("not JSON") from error
    if not isinstance(message, dict):
        raise LineError("not a JSON object")
    return message
