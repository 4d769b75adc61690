"""The CLI's side of the local API."""

from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from sshore.core.errors import Unavailable
from sshore.proxy.forwards import Card, ForwardStatus
from sshore.proxy.handed_tokens import handed_over
from sshore.proxy.instance import LocalAddress, is_held, read_address
from sshore.proxy.way import way_to
from sshore.schema.decode import DecodeError, decode
from sshore.sdk.address import ServerAddress
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login
from sshore.sdk.errors import ApiError, ServerUnreachable
from sshore.sdk.http import HttpConnection

M = TypeVar("M")
_GREETING_TIMEOUT_S = 3
_PATIENCE_S = 60
"""The server that it asks may take as long."""


class NotRunning(Unavailable):
    """There is no local proxy."""

    def __init__(self) -> None:
        super().__init__("the local proxy does not run: start it with: sshore proxy start")


class LocalProxyClient:
    """A running local proxy.

    Raises (every method):
        NotRunning: it has ended.
        ApiError: it, or the server behind it, refused.
    """

    def __init__(self, config: ConfigDir, address: LocalAddress) -> None:
        self._config = config
        place, token = ServerAddress("http", "127.0.0.1", address.port), "" if address.socket else address.token
        self._http = HttpConnection(place, token, _GREETING_TIMEOUT_S, way_to(address))

    def close(self) -> None:
        self._http.close()

    def status(self) -> dict[str, Any]:
        """Its ``pid``, ``version``, ``host`` and number of ``forwards``."""
        status: dict[str, Any] = self._ask("GET", "/status", wait_s=0)
        return status

    def forwards(self, *, fresh: bool = True) -> list[ForwardStatus]:
        found = self._ask("GET", "/forwards?fresh=true" if fresh else "/forwards")
        return [_decoded(ForwardStatus, item) for item in found]

    def open(self, login: Login, session: str, app: str, port: int | None = None) -> Card:
        with handed_over(self._config, login.token) as handed:
            body = {"server": login.address.url, "handed": handed, "session": session, "app": app, "port": port}
            return _decoded(Card, self._ask("POST", "/forwards", body))

    def close_forwards(self, session: str, app: str = "", server: str = "") -> list[ForwardStatus]:
        """Close a session's forwards: of one app or of all, on one server (a URL) or on any."""
        query = urlencode({"app": app, "server": server})
        found = self._ask("DELETE", f"/forwards/{quote(session, safe='')}?{query}")
        return [_decoded(ForwardStatus, item) for item in found]

    def stop(self) -> None:
        self._ask("POST", "/stop")

    def _ask(self, method: str, path: str, body: Any = None, *, wait_s: float = _PATIENCE_S) -> Any:
        try:
            return self._http.request_json(method, f"/api/v1{path}", body, wait_s=wait_s)
        except ServerUnreachable as error:
            raise NotRunning from error


def _decoded(message: type[M], said: Any) -> M:
    try:
        return decode(message, said)
    except DecodeError as error:
        raise Unavailable(
            "the local proxy that runs is of another version: end it with sshore proxy stop, and this command starts "
            "another, with the same forwards"
        ) from error


def connect(config: ConfigDir) -> LocalProxyClient:
    """The user's running local proxy.

    Raises:
        NotRunning: there is none.
        Unavailable: there is one of an older version; says what to do.
    """
    address = read_address(config)
    if address is None:
        raise NotRunning
    client = LocalProxyClient(config, address)
    try:
        client.status()
    except (ApiError, Unavailable):  # after a kill -9 another program may listen there
        client.close()
        if not address.socket and is_held(config):
            raise Unavailable(
                f"the local proxy that runs (process {address.pid}) is of an older version and cannot prove that it is "
                f"yours: kill {address.pid}, and the next command starts another, with the same forwards"
            ) from None
        raise NotRunning from None
    return client
