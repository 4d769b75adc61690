"""The request that opens a stream, and the answer to it: bytes in, values out."""

import json
import socket
from dataclasses import dataclass

from sshore import __version__
from sshore.core.names import FOLDER_PREFIX
from sshore.sdk.address import ServerAddress
from sshore.sdk.errors import ApiError, ServerUnreachable
from sshore.wire.heads import (
    HeadError,
    ResponseHead,
    folder_stream_request,
    parse_response,
    split_head,
    stream_request,
)
from sshore.wire.problems import Code, Problem, read_problem

USER_AGENT = f"sshore/{__version__} ({socket.gethostname().encode('ascii', 'replace').decode()})"
"""The host's name is for the server's audit."""
_MAX_REFUSAL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """An app in a session (`session` is a name or an id) on a server, and the token to open it with.

    `session` may be a folder as well: ``folder:NAME``, or ``folder:OWNER/NAME``, which has none of the next two.
    With a `public_key` the answer brings a certificate for it, where its server knows how. `host_key` is
    `PLAIN_HOST_KEY` where SSH is to offer no certificate of its own. `host_keys`, which a folder has as well, is
    `ALL_HOST_KEYS` where more is known of it than its key of Ed25519.
    """

    address: ServerAddress
    token: str
    session: str
    app: str = "ssh"
    public_key: str = ""
    host_key: str = ""
    host_keys: str = ""
    locale: str = ""
    """See `locale_words`."""

    def request(self) -> bytes:
        """The request head. Raises HeadError when the token holds a line break."""
        if self.session.startswith(FOLDER_PREFIX):
            folder = self.session.removeprefix(FOLDER_PREFIX)
            return folder_stream_request(
                self.address.authority, folder, self.app, self.token, USER_AGENT, self.host_keys
            )
        words = self.address.authority, self.session, self.app, self.token, USER_AGENT
        return stream_request(*words, self.public_key, self.host_key, self.host_keys, self.locale)


class AnswerReader:
    """Reads the answer to a stream's request, and not one byte of the stream."""

    def __init__(self, target: StreamTarget) -> None:
        self.fields: dict[str, str] = {}
        """Of the answer, once the stream is open."""
        self._target = target
        self._data = bytearray()
        self._refusal: ResponseHead | None = None

    def feed(self, data: bytes) -> bytes | None:
        """Take what has arrived. None: more is needed. Bytes: the stream is open, and these are its first.

        Raises:
            ApiError: the stream was refused.
        """
        self._data += data
        if self._refusal is None:
            parts = self._split()
            if parts is None:
                return None
            head, rest = parts
            if head.status == 101:
                self.fields = head.fields
                return rest
            self._refusal, self._data = head, bytearray(rest)
        if len(self._data) >= min(self._refusal.content_length, _MAX_REFUSAL_BYTES):
            raise self._error(self._refusal)
        return None

    def feed_eof(self) -> Exception:
        """The server has closed the connection before the answer was complete: what to raise."""
        if self._refusal is not None:
            return self._error(self._refusal)
        return ServerUnreachable(self._target.address, "it closed the connection")

    def _split(self) -> tuple[ResponseHead, bytes] | None:
        try:
            parts = split_head(self._data)
            return None if parts is None else (parse_response(parts[0]), parts[1])
        except HeadError as error:
            raise self._foreign(502) from error

    def _error(self, head: ResponseHead) -> ApiError:
        try:
            document = json.loads(bytes(self._data))
        except (ValueError, RecursionError):
            return self._foreign(head.status)
        if not isinstance(document, dict):
            return self._foreign(head.status)
        return ApiError(read_problem(document, f"the server answered {head.status}"), head.status)

    def _foreign(self, status: int) -> ApiError:
        code = Code.UNAVAILABLE if status in (502, 503, 504) else Code.INTERNAL
        detail = f"{self._target.address.url} answered {status}, but not as a Sshore server does: check the address"
        return ApiError(Problem(code, detail), status)
