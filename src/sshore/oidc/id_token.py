"""What an ID token must be to be believed (OpenID Connect Core §3.1.3.7)."""

from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sshore.core.errors import Unauthenticated

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a key that only the provider has: neither ``none`` nor HMAC."""
LEEWAY_S = 60


def read_id_token(
    token: str, keys: dict[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of an ID token that the provider has just made for this login and this client.

    Raises:
        Unauthenticated: it is not such a one.
    """
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        found = jwt.decode(token, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=ALGORITHMS)
        rules.validate(found.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise Unauthenticated(f"the provider's ID token cannot be believed: {error or type(error).__name__}") from error
    claims: dict[str, Any] = found.claims
    audience = claims["aud"]
    if claims.get("azp", client_id) != client_id or (isinstance(audience, list) and len(audience) > 1):
        raise Unauthenticated("the provider's ID token was made for another client, too")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise Unauthenticated("the provider's ID token names no subject")
    return claims
