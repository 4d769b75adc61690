"""One keep-alive HTTP connection to a server: JSON in and out, problems as `ApiError`."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from sshore.sdk.address import ServerAddress
from sshore.sdk.errors import ApiError, ServerUnreachable
from sshore.sdk.lookup import for_lookup
from sshore.sdk.stream_head import USER_AGENT
from sshore.wire.problems import Code, Problem, read_problem

_REUSE_S = 2.0
"""How long an idle connection is trusted: servers close theirs after a few seconds, and a request
that meets the closing could not be repeated safely."""

MAX_ANSWER_BYTES = 256 << 20
"""More than all that a server has to say, and less than a client's memory."""
MAX_LINE_BYTES = 1 << 20

_CODES = {401: Code.UNAUTHENTICATED, 403: Code.FORBIDDEN, 404: Code.NOT_FOUND, 503: Code.UNAVAILABLE}


class HttpConnection:
    """Requests to one server, one after the other. Not for use by several threads at once."""

    def __init__(
        self,
        address: ServerAddress,
        token: str,
        timeout_s: float = 30,
        opens: "Callable[[float], HTTPConnection] | None" = None,
    ) -> None:
        """`opens` makes a connection, given a time limit in seconds; else it goes to the address."""
        self.address = address
        self._token = token
        self._opens = opens or self._to_address
        self._timeout_s = timeout_s
        self._connection: HTTPConnection | None = None
        self._last_used = 0.0

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def request_json(self, method: str, path: str, body: Any = None, *, wait_s: float = 0) -> Any:
        """Make a request and parse the answer; None for an empty one. `wait_s` is added to the time limit.

        Raises:
            ApiError: the server refused.
            ServerUnreachable: there was no answer.
        """
        content = self.request(method, path, body, wait_s=wait_s)
        if not content:
            return None
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self._foreign(200) from None

    def request(self, method: str, path: str, body: Any = None, *, wait_s: float = 0) -> bytes:
        """Make a request and return the answer's body. Raises as `request_json` does."""
        try:
            response = self._send(method, path, body, self._timeout_s + wait_s)
            content = self._read(response)
        except (OSError, HTTPException) as error:
            self.close()
            raise ServerUnreachable(self.address, error) from error
        self._last_used = time.monotonic()
        if response.status >= 300:
            raise self._refusal(response, content)
        return content

    def lines(self, method: str, path: str, body: Any = None, *, silence_s: float) -> Iterator[bytes]:
        """Make a request and return the lines of the answer as they come, none later than `silence_s` after the one
        before. A caller that leaves early closes the connection. Raises as `request_json` does."""
        try:
            response = self._send(method, path, body, silence_s)
            if response.status >= 300:
                raise self._refusal(response, self._read(response))
            while line := response.readline(MAX_LINE_BYTES):
                if not line.endswith(b"\n") and len(line) == MAX_LINE_BYTES:
                    self.close()
                    raise self._foreign(response.status)
                yield line
            self._last_used = time.monotonic()
        except (OSError, HTTPException) as error:
            self.close()
            raise ServerUnreachable(self.address, error) from error
        except GeneratorExit:
            self.close()
            raise

    def _send(self, method: str, path: str, body: Any, timeout_s: float) -> HTTPResponse:
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = self._open(timeout_s)
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection.getresponse()

    def _open(self, timeout_s: float) -> HTTPConnection:
        if self._connection is not None and time.monotonic() - self._last_used > _REUSE_S:
            self.close()
        if self._connection is None:
            self._connection = self._opens(timeout_s)
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)
        return self._connection

    def _to_address(self, timeout_s: float) -> HTTPConnection:
        kind = HTTPSConnection if self.address.is_tls else HTTPConnection
        connection = kind(self.address.host, self.address.port, timeout=timeout_s)
        connection._create_connection = _connected  # type: ignore[attr-defined]
        return connection

    def _read(self, response: HTTPResponse) -> bytes:
        length = response.length  # none is told of one that comes in chunks
        content = response.read(MAX_ANSWER_BYTES + 1) if length is None else b""
        if max(length or 0, len(content)) > MAX_ANSWER_BYTES:
            self.close()
            raise self._foreign(response.status)
        return content if length is None else response.read()

    def _refusal(self, response: HTTPResponse, content: bytes) -> ApiError:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict) or "code" not in document:
            return self._foreign(response.status)
        return ApiError(read_problem(document, f"the server answered {response.status}"), response.status)

    def _foreign(self, status: int) -> ApiError:
        detail = f"{self.address.url} answered {status}, but not as a Sshore server does: check the address"
        return ApiError(Problem(_CODES.get(status, Code.INTERNAL), detail), status)


def _connected(place: tuple[str, int], *how: Any) -> socket.socket:
    host, port = place
    return socket.create_connection((for_lookup(host), port), *how)
