"""HTTP/1.1 heads: the part before the empty line (RFC 9112), as far as streams and links need it."""

import json
from typing import NamedTuple

from sshore.wire.problems import Problem
from sshore.wire.upgrades import ALL_HOST_KEYS as ALL_HOST_KEYS
from sshore.wire.upgrades import CERTIFICATE_HEADER as CERTIFICATE_HEADER
from sshore.wire.upgrades import FURTHER_HOST_KEYS_HEADER as FURTHER_HOST_KEYS_HEADER
from sshore.wire.upgrades import HOST_CA_HEADER as HOST_CA_HEADER
from sshore.wire.upgrades import HOST_KEY_HEADER as HOST_KEY_HEADER
from sshore.wire.upgrades import LINK_PATH as LINK_PATH
from sshore.wire.upgrades import LINK_PROTOCOL as LINK_PROTOCOL
from sshore.wire.upgrades import LOCALE_HEADER as LOCALE_HEADER
from sshore.wire.upgrades import MAX_UPGRADE_HEAD_BYTES as MAX_UPGRADE_HEAD_BYTES
from sshore.wire.upgrades import NAME_HEADER as NAME_HEADER
from sshore.wire.upgrades import PLAIN_HOST_KEY as PLAIN_HOST_KEY
from sshore.wire.upgrades import PUBLIC_KEY_HEADER as PUBLIC_KEY_HEADER
from sshore.wire.upgrades import SESSION_HEADER as SESSION_HEADER
from sshore.wire.upgrades import STREAM_PROTOCOL as STREAM_PROTOCOL
from sshore.wire.upgrades import HeadError as HeadError
from sshore.wire.upgrades import folder_stream_request as folder_stream_request
from sshore.wire.upgrades import link_request as link_request
from sshore.wire.upgrades import split_fields
from sshore.wire.upgrades import split_head as split_head
from sshore.wire.upgrades import stream_request as stream_request

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


def parse_request(head: bytes) -> RequestHead:
    """Read a request head.

    Raises:
        HeadError: it is not one.
    """
    first, fields = split_fields(head)
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise HeadError("not an HTTP/1.1 request line")
    return RequestHead(parts[0], parts[1], fields)


def parse_response(head: bytes) -> ResponseHead:
    """Read a response head.

    Raises:
        HeadError: it is not one.
    """
    first, fields = split_fields(head)
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or len(status) != 3 or not status.isdigit():
        raise HeadError("not an HTTP/1.1 status line")
    return ResponseHead(int(status), fields)


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


def _render(status: int, fields: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Refused')}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
