"""The requests for streams and links, as text; and where a head ends.

Imports nothing: `ssh` waits for whoever sends them (`sshore.cli.connecting.quick`).
"""

STREAM_PROTOCOL = "sshore-stream/1"
LINK_PROTOCOL = "sshore-link/1"
LINK_PATH = "/api/v1/link"

SESSION_HEADER = "sshore-session"
PUBLIC_KEY_HEADER = "sshore-public-key"
"""In a stream's request: the key that the answer is to bring a certificate for. In the answer: the next three."""
CERTIFICATE_HEADER = "sshore-certificate"
HOST_CA_HEADER = "sshore-host-ca"
HOST_KEY_HEADER = "sshore-host-key"
FURTHER_HOST_KEYS_HEADER = "sshore-further-host-keys"
"""Those of other types, with commas between them; older clients know but the one."""
NAME_HEADER = "sshore-name"
"""The session's name, for which its host key is certified."""

LOCALE_HEADER = "sshore-locale"
"""In a stream's request: the locale of whoever may send it along, ``LC_TIME=ko_KR.UTF-8 …``, or ``-`` for none."""
LOCALE_NAMES = (
    *("LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    *("LC_ADDRESS", "LC_IDENTIFICATION", "LC_MEASUREMENT", "LC_NAME", "LC_PAPER", "LC_TELEPHONE"),
)
"""locale(7)."""
_LOCALE_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-")
_LONGEST_LOCALE = 64

PLAIN_HOST_KEY = "plain"
"""The `host_key` of a stream whose SSH server is to offer no certificate of its host key, and of its keys but the one
of Ed25519: older clients have no other in their known_hosts, and Go's library asks for others first."""
ALL_HOST_KEYS = "all"
"""The `host_keys` of a stream that is to offer those of other types, too."""

MAX_UPGRADE_HEAD_BYTES = 16 * 1024
"""A longer head is no upgrade of ours, and is the HTTP server's to read or refuse (`sshore.server.http`)."""
HEAD_END = b"\r\n\r\n"
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


class HeadError(ValueError):
    """The bytes are not an HTTP/1.1 head, or the head is longer than `MAX_UPGRADE_HEAD_BYTES`."""


def split_head(data: bytes | bytearray) -> tuple[bytes, bytes] | None:
    """Split what has arrived into the head and the bytes after it; None while the head is incomplete.

    Raises:
        HeadError: there are `MAX_UPGRADE_HEAD_BYTES` and still no end.
    """
    end = data.find(HEAD_END, 0, MAX_UPGRADE_HEAD_BYTES)
    if end >= 0:
        return bytes(data[:end]), bytes(data[end + len(HEAD_END) :])
    if len(data) >= MAX_UPGRADE_HEAD_BYTES:
        raise HeadError(f"the head is longer than {MAX_UPGRADE_HEAD_BYTES} bytes")
    return None


def split_fields(head: bytes) -> tuple[str, dict[str, str]]:
    """A head's first line, and its fields by their lower-case names.

    Raises:
        HeadError: it is no head.
    """
    first, *rest = head.decode("latin-1").split("\r\n")
    fields: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise HeadError("a header field has no name")
        key = name.lower()
        fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
    return first, fields


def stream_request(
    host: str,
    session: str,
    app: str,
    token: str,
    agent: str,
    public_key: str = "",
    host_key: str = "",
    host_keys: str = "",
    locale: str = "",
) -> bytes:
    """The request that opens a stream; `session` is a name or an id, `agent` the User-Agent.

    With a `public_key` (one authorized_keys line) the answer brings a certificate for it. `host_key` is
    `PLAIN_HOST_KEY` or empty, `host_keys` `ALL_HOST_KEYS` or empty, `locale` what `locale_words` says. Older servers
    know none of them, and open the stream all the same.
    """
    query = _query(host_key=host_key, host_keys=host_keys)
    target = f"/api/v1/sessions/{_quote(session)}/apps/{_quote(app)}/stream{query}"
    told = {PUBLIC_KEY_HEADER: public_key, LOCALE_HEADER: locale}
    more = [f"{name}: {value}" for name, value in told.items() if value]
    return _upgrade_request(host, target, STREAM_PROTOCOL, token, agent, more)


def is_locale_value(value: str) -> bool:
    """Whether this may be a locale's name, and no path of its sender's choice (glibc, findlocale.c)."""
    return 0 < len(value) <= _LONGEST_LOCALE and _LOCALE_LETTERS.issuperset(value)


def folder_stream_request(host: str, folder: str, app: str, token: str, agent: str, host_keys: str = "") -> bytes:
    """The request that opens a stream to a folder: ``NAME``, or ``OWNER/NAME``. `host_keys` as above."""
    target = f"/api/v1/folders/{_quote(folder)}/apps/{_quote(app)}/stream{_query(host_keys=host_keys)}"
    return _upgrade_request(host, target, STREAM_PROTOCOL, token, agent)


def link_request(host: str, token: str, agent: str) -> bytes:
    """The request by which an agent parks a link."""
    return _upgrade_request(host, LINK_PATH, LINK_PROTOCOL, token, agent)


def _query(**wishes: str) -> str:
    words = [f"{name}={_quote(value)}" for name, value in wishes.items() if value]
    return f"?{'&'.join(words)}" if words else ""


def _quote(segment: str) -> str:
    """One segment of a path, percent-encoded (RFC 3986 §2.1)."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in segment.encode())


def _upgrade_request(
    host: str, target: str, protocol: str, token: str, agent: str, more: list[str] | None = None
) -> bytes:
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: {host}",
        "Connection: Upgrade",
        f"Upgrade: {protocol}",
        f"Authorization: Bearer {token}",
        f"User-Agent: {agent}",
        *(more or []),
    ]
    if any("\r" in line or "\n" in line for line in lines):
        raise HeadError("a field value holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
