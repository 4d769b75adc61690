"""Users, who own sessions and folders, and the API tokens that speak for them."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sshore.core.choices import Role, Scope
from sshore.core.ids import TokenId, UserId

TOKEN_PREFIX = "sshore_"
FIRST_TOKEN = "first login"
"""The name of the token that a server hands out itself, for logging in once: a login by it makes a token of its own."""


@dataclass(frozen=True, slots=True)
class User:
    """An owner. `host_uid` is the uid that the owner's sessions get where the server runs as root.

    One that is `disabled` keeps sessions and folders, but can neither log in nor use a token. An empty
    `password_hash` means that there is no password to log in with.
    """

    id: UserId
    name: str
    role: Role
    host_uid: int
    created_at: datetime
    settings: dict[str, str] = field(default_factory=dict)
    disabled: bool = False
    password_hash: str = field(default="", repr=False)
    oidc_subject: str | None = None
    """Who the user is at the OpenID Connect provider: issuer, ``#``, subject."""


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as it is stored: by its hash. It has no expiry when `expires_at` is None."""

    id: TokenId
    user_id: UserId
    name: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None = None
    scope: Scope = Scope.ALL
    last_used_at: datetime | None = None
    """Written at most once a minute."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is calling, and by which token."""

    user: User
    token: Token


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """Whom an OpenID Connect provider has proved to be there; `names` are what the person might be called."""

    subject: str
    names: tuple[str, ...] = ()


def new_secret() -> str:
    """A new secret of 256 bits, for an API token or an agent token; shown once, stored hashed."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The stored form. A plain hash suffices, because the secret is random and long; looking a token
    up by it compares nothing that a caller could time."""
    return hashlib.sha256(secret.encode()).hexdigest()
