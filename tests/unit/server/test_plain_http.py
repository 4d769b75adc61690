"""A server that others can hear says so, once."""

from pathlib import Path

import pytest

from sshore.server.http import listen
from sshore.server.run import _warn_of_plain_http
from sshore.server.settings import Settings


@pytest.mark.parametrize(
    ("host", "public_url", "warned"),
    [
        ("127.0.0.1", "", False),
        ("0.0.0.0", "", True),
        ("0.0.0.0", "http://box.example", True),
        ("0.0.0.0", "https://box.example", False),
        ("::", "", True),
        ("::1", "", False),
    ],
)
def test_beyond_the_loopback_plain_http_is_warned_of(
    host: str, public_url: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(Path("/nowhere"), host=host, port=0, public_url=public_url)
    with listen(host, 0) as sock:
        _warn_of_plain_http(settings, sock)
    assert [("plain HTTP" in record.getMessage()) for record in caplog.records] == [True] * warned
