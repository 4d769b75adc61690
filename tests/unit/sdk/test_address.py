import pytest

from sshore.core.errors import InvalidInput
from sshore.sdk.address import parse_server_url


@pytest.mark.parametrize(
    ("text", "url", "authority"),
    [
        ("http://127.0.0.1:8022", "http://127.0.0.1:8022", "127.0.0.1:8022"),
        ("http://localhost:8022/", "http://localhost:8022", "localhost:8022"),
        ("localhost:8022", "http://localhost:8022", "localhost:8022"),
        ("127.0.0.1:8022", "http://127.0.0.1:8022", "127.0.0.1:8022"),
        ("sshore.example.org", "https://sshore.example.org", "sshore.example.org"),
        ("https://sshore.example.org:443", "https://sshore.example.org", "sshore.example.org"),
        ("http://[::1]:8022", "http://[::1]:8022", "[::1]:8022"),
    ],
)
def test_one_way_to_write_each_address(text: str, url: str, authority: str) -> None:
    address = parse_server_url(text)
    assert (address.url, address.authority) == (url, authority)


@pytest.mark.parametrize("text", ["", "http://", "ftp://host", "http://host:99999", "http://host/path", "http://h?q"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no server"):
        parse_server_url(text)
