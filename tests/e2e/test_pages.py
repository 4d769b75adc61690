"""What a browser is shown: complete in itself, so that it works where nothing else can be reached."""

import http.client
import re
from contextlib import closing
from html.parser import HTMLParser

import pytest
from deployment import Deployment

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


def get(shared: Deployment, path: str, **fields: str) -> tuple[http.client.HTTPResponse, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)) as connection:
        connection.request("GET", path, headers={**BROWSER, **fields})
        answer = connection.getresponse()
        return answer, answer.read().decode()


class Links(HTMLParser):
    """Where a page leads, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        if tag == "a":
            self.links.add(found["href"] or "")
        elif tag in ("script", "link", "img", "iframe") or "src" in found:
            self.loads.add(tag)


@pytest.mark.parametrize(
    ("language", "said"), [("en-US,en", "Log in from"), ("ko-KR,ko;q=0.9,en;q=0.8", "로그인하세요")]
)
def test_the_servers_address_says_what_it_is_and_how_to_log_in(shared: Deployment, language: str, said: str) -> None:
    answer, text = get(shared, "/", **{"Accept-Language": language})
    assert answer.status == 200 and (answer.getheader("Content-Type") or "").startswith("text/html")
    assert said in text
    assert f"sshore login {shared.url}\n" in text or f"sshore login {shared.url}<" in text
    assert "default-src 'none'" in (answer.getheader("Content-Security-Policy") or "")
    page = Links(text)
    assert not page.loads
    assert all(get(shared, link)[0].status == 200 for link in page.links)


def test_programs_are_told_that_there_is_nothing(shared: Deployment) -> None:
    answer, text = get(shared, "/", Accept="application/json")
    assert answer.status == 404
    assert '"code":"not_found"' in text


def test_the_api_is_documented_without_anything_from_elsewhere(shared: Deployment) -> None:
    answer, text = get(shared, "/docs")
    assert answer.status == 200
    assert not re.search(r"https?://", text)
    page = Links(text)
    assert not page.loads
    assert "/api/v1/sessions/{ref}" in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids, "every message is described"
