"""One OpenID Connect provider, found by its issuer; implements `core.ports.IdentityProvider`."""

import asyncio
import base64
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from sshore.core.errors import Unauthenticated, Unavailable
from sshore.core.pkce import code_challenge
from sshore.core.ports import Clock
from sshore.core.users import ProvedIdentity
from sshore.oidc.fetch import check_url, fetch

SCOPES = "openid profile email"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the provider's administrator gives out; a public client has no secret."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)


class Provider:
    """Connects to nothing before the first login; its endpoints are then kept, its keys are asked for each time:
    they change."""

    def __init__(self, settings: ProviderSettings, clock: Clock) -> None:
        """Raises InvalidInput when the issuer is no https address."""
        check_url(settings.issuer)
        self._settings = settings
        self._clock = clock
        self._found: dict[str, Any] = {}

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        found = await self._discover()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": state,
            "nonce": nonce,
            "code_challenge": code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        endpoint = check_url(found["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urllib.parse.urlencode(query)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> ProvedIdentity:
        found = await self._discover()
        tokens = await asyncio.to_thread(self._redeem, found, code, redirect_uri, verifier)
        if not isinstance(tokens.get("id_token"), str):
            raise Unauthenticated("the provider sent no ID token")
        from sshore.oidc.id_token import read_id_token  # joserfc is for those who log in so

        keys = await asyncio.to_thread(fetch, found["jwks_uri"])
        claims = read_id_token(
            tokens["id_token"],
            keys,
            issuer=found["issuer"],
            client_id=self._settings.client_id,
            nonce=nonce,
            now=self._clock.now(),
        )
        names = _names_in(claims) or await asyncio.to_thread(_names_told, found, tokens, claims["sub"])
        return ProvedIdentity(f"{found['issuer']}#{claims['sub']}", names)

    def _redeem(self, found: dict[str, Any], code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        settings = self._settings
        # RFC 6749 §2.3.1; basic is what a provider that names no method takes (Discovery §3).
        if not settings.client_secret:
            form["client_id"] = settings.client_id
            return fetch(found["token_endpoint"], form)
        if "client_secret_basic" not in found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
            return fetch(found["token_endpoint"], form)
        pair = ":".join(urllib.parse.quote(part, safe="") for part in (settings.client_id, settings.client_secret))
        return fetch(found["token_endpoint"], form, "Basic " + base64.b64encode(pair.encode()).decode())

    async def _discover(self) -> dict[str, Any]:
        """The provider's own description (OpenID Connect Discovery §4)."""
        if not self._found:
            issuer = self._settings.issuer.rstrip("/")
            found = await asyncio.to_thread(fetch, f"{issuer}/.well-known/openid-configuration")
            wanted = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
            missing = [name for name in wanted if not isinstance(found.get(name), str)]
            if missing or found["issuer"].rstrip("/") != issuer:
                raise Unavailable(f"{issuer} describes itself wrongly: check SSHORE_OIDC_ISSUER")
            self._found = found
        return self._found


def _names_in(claims: dict[str, Any]) -> tuple[str, ...]:
    names = (claims.get("preferred_username"), str(claims.get("email") or "").partition("@")[0], claims.get("name"))
    return tuple(str(name) for name in names if name)


def _names_told(found: dict[str, Any], tokens: dict[str, Any], subject: str) -> tuple[str, ...]:
    """The names that the provider tells when it is asked: an ID token need not have any (OpenID Connect Core §5.4)."""
    endpoint, access_token = found.get("userinfo_endpoint"), tokens.get("access_token")
    if not isinstance(endpoint, str) or not isinstance(access_token, str):
        return ()
    claims = fetch(endpoint, authorization=f"Bearer {access_token}")
    return _names_in(claims) if claims.get("sub") == subject else ()  # §5.3.2: else it speaks of somebody else
