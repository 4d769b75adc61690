"""A server's URL, taken apart once."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from sshore.core.errors import InvalidInput

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as a ``Host`` field has them; the scheme's own port is left out (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The one way to write this address: the key of credentials and forwards."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def is_loopback(self) -> bool:
        return self.host in _LOOPBACK


def parse_server_url(text: str) -> ServerAddress:
    """Read ``http://HOST:PORT``; without a scheme it is http on the loopback and https elsewhere.

    Raises:
        InvalidInput: it is no such URL.
    """
    wanted = text.strip()
    if "://" not in wanted:
        host = urlsplit(f"//{wanted}").hostname
        wanted = f"{'http' if host in _LOOPBACK else 'https'}://{wanted}"
    try:
        parts = urlsplit(wanted)
        port = parts.port
    except ValueError:
        raise _no_url(text) from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise _no_url(text)
    return ServerAddress(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme])


def token_url(address: ServerAddress, token: str) -> str:
    """A URL that logs in. The fragment stays in the browser: it is in no request and no server's log."""
    return f"{address.url}/#token={token}"


def split_token_url(text: str) -> tuple[str, str]:
    """Take the token off ``http://HOST:PORT/#token=TOKEN``, as `sshore up` prints it; empty when there is none."""
    url, _, fragment = text.partition("#")
    return url, parse_qs(fragment).get("token", [""])[0]


def _no_url(text: str) -> InvalidInput:
    return InvalidInput(f"{text!r} is no server: write http://HOST:PORT or https://HOST", field="server")
