"""Users, who own sessions and folders, and the API tokens that speak for them."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sshore.core.ids import TokenId, UserId

TOKEN_PREFIX = "sshore_"


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class User:
    """An owner. `host_uid` is the uid that the owner's sessions get where the server runs as root."""

    id: UserId
    name: str
    role: Role
    host_uid: int
    created_at: datetime
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as it is stored: by its hash. It has no expiry when `expires_at` is None."""

    id: TokenId
    user_id: UserId
    name: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None = None


def new_secret() -> str:
    """A new secret of 256 bits, for an API token or an agent token; shown once, stored hashed."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """The stored form. A plain hash suffices, because the secret is random and long; looking a token
    up by it compares nothing that a caller could time."""
    return hashlib.sha256(secret.encode()).hexdigest()
