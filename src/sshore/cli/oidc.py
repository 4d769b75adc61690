"""`sshore login URL --oidc`: through the user's browser, with a listener on the loopback for the answer (RFC 8252)."""

import secrets
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from sshore.core.errors import NotFound, Unauthenticated, Unavailable
from sshore.core.pkce import code_challenge, confirmation_of
from sshore.schema.account_messages import OidcCode
from sshore.sdk.address import ServerAddress
from sshore.sdk.client import Client
from sshore.sdk.credentials import Login

PATIENCE_S = 600.0


def log_in_by_browser(address: ServerAddress, token_name: str, *, open_browser: bool) -> str:
    """An API token for whoever logs in at the server's provider.

    Raises:
        NotFound: the server has no provider. Unauthenticated: the login was refused. Unavailable: nobody came back.
    """
    with Client(Login(address, "")) as client:
        if not client.version().oidc:
            raise NotFound(f"{address.url} has no OpenID Connect provider: leave --oidc out")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = code_challenge(verifier)
    with _Listener(state) as listener:
        query = urlencode({"port": listener.server_port, "challenge": challenge, "state": state})
        _show(f"{address.url}/api/v1/oidc/start?{query}", challenge, open_browser)
        code = listener.wait()
    with Client(Login(address, "")) as client:
        return client.redeem_oidc_code(OidcCode(code, verifier, token_name)).secret or ""


def _show(url: str, challenge: str, open_browser: bool) -> None:
    code = confirmation_of(challenge)
    print(f"Log in with your browser, which must show the code {code}:\n{url}", file=sys.stderr, flush=True)
    if open_browser:
        webbrowser.open(url)


class _Listener(HTTPServer):
    """Takes the one request that brings the code; anything else is answered 404 and forgotten."""

    def __init__(self, state: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.said: dict[str, str] = {}

    def wait(self) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while not self.said:
            self.timeout = deadline - time.monotonic()
            if self.timeout <= 0:
                raise Unavailable("nobody logged in within ten minutes: try again")
            self.handle_request()
        if "code" not in self.said:
            raise Unauthenticated(self.said.get("error", "the login was refused"))
        return self.said["code"]


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Listener

    def do_GET(self) -> None:
        said = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        right = secrets.compare_digest(said.get("state", "").encode(), self.server.state.encode())
        text = "You can close this window and go back to the command line.\n" if right else "There is nothing here.\n"
        self.send_response(200 if right else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        if right:
            self.server.said = said

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Silence."""
