"""Own keys: public keys that a user has registered, which open all of the user's sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sshore.core.errors import Conflict, NotFound
from sshore.core.ids import OwnKeyId, UserId
from sshore.core.names import suggestion

MAX_OWN_KEYS = 100


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A registered key; `public_key` is its authorized_keys line without a comment."""

    id: OwnKeyId
    owner_id: UserId
    name: str
    type: str
    bits: int
    public_key: str
    fingerprint: str
    created_at: datetime


def find_own_key(keys: Sequence[OwnKey], ref: str) -> OwnKey:
    """The key that an id, a fingerprint or a name means.

    Raises:
        NotFound: none. Conflict: the name is that of several.
    """
    exact = [key for key in keys if ref in (key.id, key.fingerprint, key.fingerprint.removeprefix("SHA256:"))]
    named = exact or [key for key in keys if key.name == ref]
    if not named:
        hint = suggestion(ref, [key.name for key in keys]) or "; see: sshore keys ls"
        raise NotFound(f"you have no own key {ref!r}{hint}")
    if len(named) > 1:
        ids = ", ".join(key.id for key in named)
        raise Conflict(f"{len(named)} of your keys are named {ref!r}: say which by its id: {ids}")
    return named[0]
