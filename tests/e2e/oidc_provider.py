"""A real OpenID Connect provider in a process of its own, and a browser that logs in there."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

from deployment import free_port


@contextmanager
def oidc_provider(log: Path, *users: dict[str, str]) -> Iterator[str]:
    """A provider that knows these users by their claims; its issuer."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    words = [word for user in users for word in ("--user-claims", json.dumps(user))]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *words],
            stdout=out,
            stderr=out,
        ) as process,
    ):
        try:
            _wait_until_it_answers(f"{issuer}/.well-known/openid-configuration", log)
            yield issuer
        finally:
            process.terminate()


class Browser:
    """Keeps cookies, follows redirects, fills in forms."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
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
            self.url, self.page = answer.url, answer.read().decode()
            return int(answer.status)

    def confirm(self) -> int:
        """Press the button of the server's page."""
        (action,) = re.findall(r'<form method="post" action="([^"]+)"', self.page)
        return self.open(action, {})

    def log_in(self, subject: str) -> int:
        """Log in at the provider, to whose page the server has led, and go where that leads."""
        return self.open(self.url, {"sub": subject})

    def deny(self, callback: str) -> int:
        """Refuse at the provider. This one forgets to send the state along (RFC 6749 §4.1.2.1), others do not."""
        (state,) = urllib.parse.parse_qs(urllib.parse.urlsplit(self.url).query)["state"]
        return self.open(f"{callback}?{urllib.parse.urlencode({'error': 'access_denied', 'state': state})}")


def _wait_until_it_answers(url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
