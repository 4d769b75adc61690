"""Passwords and identity providers: implemented by `store` and `oidc`."""

from typing import Protocol

from sshore.core.users import ProvedIdentity


class PasswordHasher(Protocol):
    """Passwords in the form in which they are stored. Slow by intent: at most a few at once."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, stored: str, password: str) -> bool:
        """Whether it is this password; false, after the same work, when `stored` is empty."""


class IdentityProvider(Protocol):
    """An OpenID Connect provider.

    Raises (every method):
        Unavailable: it does not answer, or not as it should.
    """

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the user's browser goes to log in."""

    async def exchange(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> ProvedIdentity:
        """Who has logged in.

        Raises:
            Unauthenticated: what the provider says cannot be believed.
        """
