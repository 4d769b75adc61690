"""ID tokens: only one that this provider has signed just now, for this client and this login, is believed."""

import base64
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from sshore.core.errors import InvalidInput, Unauthenticated
from sshore.oidc.fetch import check_url
from sshore.oidc.id_token import read_id_token

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = ECKey.generate_key("P-256", {"kid": "1", "use": "sig"})
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "sshore",
    "sub": "1",
    "nonce": "n",
    "iat": SECONDS,
    "exp": SECONDS + 300,
}


def read(token: str) -> dict[str, Any]:
    keys = KeySet([KEY]).as_dict(private=False)
    return read_id_token(token, keys, issuer="https://id.example", client_id="sshore", nonce="n", now=NOW)


def signed(algorithm: str = "ES256", key: Any = KEY, **changed: Any) -> str:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": "1"}, claims, key, algorithms=[algorithm])


def test_the_providers_own_token_is_believed() -> None:
    assert read(signed())["sub"] == "1"
    assert read(signed(aud=["sshore"]))["sub"] == "1"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"},
        {"aud": "another client"},
        {"aud": ["sshore", "another client"]},
        {"azp": "another client"},
        {"nonce": "another login"},
        {"exp": SECONDS - 120},
        {"iat": SECONDS + 600},
        {"sub": ""},
        {"sub": 7},
        *({name: None} for name in ("iss", "aud", "sub", "nonce", "exp", "iat")),
    ],
    ids=str,
)
def test_a_token_for_something_else_is_not(changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        read(signed(**changed))


def test_a_token_that_another_has_signed_or_nobody_is_not() -> None:
    head, claims, _ = signed().split(".")
    none = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}
    for token in (
        signed(key=ECKey.generate_key("P-256", {"kid": "1"})),
        signed("RS256", RSAKey.generate_key(2048, {"kid": "1"})),
        with_public_key_as_secret(claims),
        f"{none}.{claims}.",
        f"{head}.{claims}.",
        "rubbish",
        "",
    ):
        with pytest.raises(Unauthenticated):
            read(token)


def with_public_key_as_secret(claims: str) -> str:
    """What fools a verifier that takes the algorithm from the token: HMAC by the key that everybody knows."""
    signed = f"eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.{claims}"
    signature = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize("url", ["http://id.example", "ftp://id.example", "file:///etc/passwd", "id.example", ""])
def test_secrets_go_to_https_only(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url)
    assert check_url("https://id.example") and check_url("http://127.0.0.1:9400")
