"""X-Forwarded-For: believed where the administrator says so, as far as trusted proxies have written it."""

import pytest

from sshore.core.errors import InvalidInput
from sshore.core.trusted_proxies import TrustedProxies

PROXIES = TrustedProxies.parse("127.0.0.1, 10.0.0.0/8 2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7:4711", "192.0.2.7"),
        ("127.0.0.1", "[2001:470::1]:4711", "2001:470::1"),
        ("2001:db8::5", "2001:470::1", "2001:470::1"),
        ("127.0.0.1", "6.6.6.6, 192.0.2.7, 10.1.2.3", "192.0.2.7"),  # the first is what the client claims
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, unknown", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, nonsense, 10.1.2.3", "10.1.2.3"),
        ("192.0.2.1", "6.6.6.6", "192.0.2.1"),  # no proxy of ours
        ("", "6.6.6.6", ""),
    ],
)
def test_the_client_is_whom_the_last_trusted_proxy_was_asked_by(peer: str, forwarded: str, client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


def test_nobody_is_believed_by_default() -> None:
    assert TrustedProxies().client("127.0.0.1", "6.6.6.6") == "127.0.0.1"


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "*"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="trusted proxies"):
        TrustedProxies.parse(text)
