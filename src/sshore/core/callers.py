"""For whom a task works: whoever asks for much at once waits behind himself, and keeps nobody else waiting."""

from collections import OrderedDict
from collections.abc import Hashable
from contextvars import ContextVar

from sshore.core.ids import UserId

caller: ContextVar[Hashable] = ContextVar("caller", default=None)
"""None for what the server does by itself."""
_STRANGERS = "strangers"
_MOST_KNOWN = 10_000


class KnownCallers:
    """Whose secrets were found lately. Until one is looked up, its owner is a stranger, and strangers wait together:
    else a secret made up for each request would have a turn of its own."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, UserId] = OrderedDict()

    def come(self, secret_hash: str) -> None:
        """The task works for whoever has this secret."""
        caller.set(self._known.get(secret_hash, _STRANGERS))

    def are_known(self, secret_hash: str, user_id: UserId) -> None:
        """It has been found, and is this user's."""
        caller.set(user_id)
        self._known[secret_hash] = user_id
        self._known.move_to_end(secret_hash)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
