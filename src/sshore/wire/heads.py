"""HTTP/1.1 heads: the part before the empty line (RFC 9112), as far as streams and links need it."""

import json
from typing import NamedTuple

from sshore.wire.problems import Problem

STREAM_PROTOCOL = "sshore-stream/1"
LINK_PROTOCOL = "sshore-link/1"
SESSION_HEADER = "sshore-session"
LINK_PATH = "/api/v1/link"
PLAIN_HOST_KEY = "plain"
"""The `host_key` of a stream whose SSH server is to offer no certificate of its host key."""

MAX_HEAD_BYTES = 16 * 1024
_END = b"\r\n\r\n"
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_REASONS = {
    101: "Switching Protocols",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class HeadError(ValueError):
    """The bytes are not an HTTP/1.1 head, or the head is longer than `MAX_HEAD_BYTES`."""


class RequestHead(NamedTuple):
    """A request's first line and its fields; field names are lower-case."""

    method: str
    target: str
    fields: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def upgrade(self) -> str:
        """The protocol asked for, in lower case; empty when this is an ordinary request."""
        wants = {token.strip().lower() for token in self.fields.get("connection", "").split(",")}
        return self.fields.get("upgrade", "").strip().lower() if "upgrade" in wants else ""

    @property
    def bearer_token(self) -> str:
        """The token of ``Authorization: Bearer`` (RFC 6750 §2.1); empty when there is none."""
        scheme, _, token = self.fields.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


class ResponseHead(NamedTuple):
    """A response's status and its fields; field names are lower-case."""

    status: int
    fields: dict[str, str]

    @property
    def content_length(self) -> int:
        """The announced length of the body, bytes; 0 when it is not announced."""
        length = self.fields.get("content-length", "0")
        return int(length) if length.isdigit() else 0


def split_head(data: bytes | bytearray) -> tuple[bytes, bytes] | None:
    """Split what has arrived into the head and the bytes after it; None while the head is incomplete.

    Raises:
        HeadError: there are `MAX_HEAD_BYTES` and still no end.
    """
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    if end >= 0:
        return bytes(data[:end]), bytes(data[end + len(_END) :])
    if len(data) >= MAX_HEAD_BYTES:
        raise HeadError(f"the head is longer than {MAX_HEAD_BYTES} bytes")
    return None


def parse_request(head: bytes) -> RequestHead:
    """Read a request head.

    Raises:
        HeadError: it is not one.
    """
    first, fields = _parse(head)
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise HeadError("not an HTTP/1.1 request line")
    return RequestHead(parts[0], parts[1], fields)


def parse_response(head: bytes) -> ResponseHead:
    """Read a response head.

    Raises:
        HeadError: it is not one.
    """
    first, fields = _parse(head)
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or len(status) != 3 or not status.isdigit():
        raise HeadError("not an HTTP/1.1 status line")
    return ResponseHead(int(status), fields)


def stream_request(host: str, session: str, app: str, token: str, agent: str, host_key: str = "") -> bytes:
    """The request that opens a stream; `session` is a name or an id, `agent` the User-Agent, `host_key`
    `PLAIN_HOST_KEY` or empty. Older servers read no query and open the stream all the same."""
    query = f"?host_key={_quote(host_key)}" if host_key else ""
    target = f"/api/v1/sessions/{_quote(session)}/apps/{_quote(app)}/stream{query}"
    return _upgrade_request(host, target, STREAM_PROTOCOL, token, agent)


def folder_stream_request(host: str, folder: str, app: str, token: str, agent: str) -> bytes:
    """The request that opens a stream to a folder: ``NAME``, or ``OWNER/NAME``."""
    target = f"/api/v1/folders/{_quote(folder)}/apps/{_quote(app)}/stream"
    return _upgrade_request(host, target, STREAM_PROTOCOL, token, agent)


def link_request(host: str, token: str, agent: str) -> bytes:
    """The request by which an agent parks a link."""
    return _upgrade_request(host, LINK_PATH, LINK_PROTOCOL, token, agent)


def switching_protocols(protocol: str, **fields: str) -> bytes:
    """The answer after which the connection carries the stream's bytes (RFC 9110 §15.2.2)."""
    return _render(101, {"Connection": "Upgrade", "Upgrade": protocol, **fields})


def problem_response(problem: Problem) -> bytes:
    """A refusal: an ordinary HTTP answer with a problem document, after which the connection closes."""
    body = json.dumps(problem.document()).encode()
    fields = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    return _render(problem.status, fields) + body


def _quote(segment: str) -> str:
    """One segment of a path, percent-encoded (RFC 3986 §2.1)."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in segment.encode())


def _upgrade_request(host: str, target: str, protocol: str, token: str, agent: str) -> bytes:
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        f"Upgrade: {protocol}",
        f"Authorization: Bearer {token}",
        f"User-Agent: {agent}",
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise HeadError("a field value holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _render(status: int, fields: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _parse(head: bytes) -> tuple[str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    fields: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HeadError("a header field has no name")
        key = name.lower()
        fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    return first, fields
