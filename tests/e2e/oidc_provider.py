"""A certified OpenID Connect provider (npm's `oidc-provider`) in a process of its own, and a browser that logs in.

with oidc_provider(log, {"g-1": {"email": "g@example.org"}}, [callback]) as provider:
    provider.issuer
    provider.rotate()                        # other signing keys
    with provider.falsifies(nonce="mine"):   # the ID tokens, which it signs all the same
        …
"""

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from npm_packages import installed

from bench.processes import wait_ready
from integration.free_port import free_port

_SOURCE = Path(__file__).with_name("oidc-provider")
_DEADLINE_S = 20.0

Users = dict[str, dict[str, str]]
"""Claims by subject."""


class OidcProvider:
    """The provider's process; started by `start`, on a port of its own that it keeps."""

    def __init__(self, log: Path, users: Users, callbacks: list[str]) -> None:
        self._port = free_port()
        self.issuer = f"http://127.0.0.1:{self._port}"
        self._log = log
        self._options = json.dumps({"port": self._port, "users": users, "redirectUris": callbacks})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            place = installed(_SOURCE)  # with Node.js: Debian 12's is too old for the provider
            self._process = subprocess.Popen(
                [_node(place), place / "provider.mjs", self._options], stdout=out, stderr=out
            )
        wait_ready(self._process, lambda _: self._answers(), self._log, _DEADLINE_S)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_DEADLINE_S)
            self._process = None

    def rotate(self) -> None:
        """Its signing keys are others then, and nobody is logged in there."""
        self._control("rotate", {})

    @contextmanager
    def falsifies(self, **claims: Any) -> Iterator[None]:
        """Have it sign these claims into its ID tokens, in place of the right ones."""
        self._control("falsify", claims)
        try:
            yield
        finally:
            self._control("falsify", {})

    def _control(self, what: str, document: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.issuer}/{what}", json.dumps(document).encode())
        urllib.request.urlopen(request, timeout=10).close()

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=5).close()
        except OSError:
            return False
        return True


@contextmanager
def oidc_provider(log: Path, users: Users, callbacks: list[str]) -> Iterator[OidcProvider]:
    """A provider that serves until the context is left; `callbacks` are where it sends browsers back to."""
    provider = OidcProvider(log, users, callbacks)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()


class _StopsAtCallbacks(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request: Any, *answer: Any) -> urllib.request.Request | None:
        return None if "/oidc/callback?" in answer[-1] else super().redirect_request(request, *answer)


class Browser:
    """Keeps cookies, follows redirects, fills in forms. One that does not follow back from the provider to the server
    has that address in `url`, to `follow` it, or another one."""

    def __init__(self, *, follows_back: bool = True) -> None:
        self._cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        stop = [] if follows_back else [_StopsAtCallbacks()]
        self._opener = urllib.request.build_opener(self._cookies, *stop)
        self.url = ""
        self.page = ""

    def open(self, url: str, form: dict[str, str] | None = None) -> int:
        """Go to an address, or send a form there; the status of the page on which it ends."""
        body = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            answer = self._opener.open(urllib.parse.urljoin(self.url, url), body, timeout=20)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            self.url, self.page = answer.headers.get("Location") or answer.url, answer.read().decode()
            return int(answer.status)

    def follow(self, url: str) -> int:
        """Go to an address, and wherever that leads."""
        self._opener = urllib.request.build_opener(self._cookies)
        return self.open(url)

    def confirm(self) -> int:
        """Press the button of the server's page."""
        return self.open(self._action(), {})

    def log_in(self, subject: str) -> int:
        """Log in at the provider, to whose page the server has led, agree, and go where that leads."""
        self.open(self._action(), {"prompt": "login", "login": subject, "password": "any"})
        return self.open(self._action(), {"prompt": "consent"})

    def deny(self) -> int:
        """Refuse at the provider."""
        (abort,) = re.findall(r'href="([^"]+/abort)"', self.page)
        return self.open(abort)

    def _action(self) -> str:
        (tag,) = re.findall(r"<form [^>]*>", self.page)
        (action,) = re.findall(r'action="([^"]+)"', tag)
        return str(action)


def _node(place: Path) -> Path:
    """The Node.js of this machine's kind. Not by `.bin/node`: npm takes that away where it finds the other machine's
    package to be none for this one only after it has linked this one's."""
    return next(place.glob("node_modules/node-linux-*/bin/node"))
