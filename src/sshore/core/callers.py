"""For whom a task works: whoever asks for much at once waits behind himself, and keeps nobody else waiting."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sshore.core.errors import Unavailable
from sshore.core.ids import UserId

caller: ContextVar[Hashable] = ContextVar("caller", default=None)
"""None for what the server does by itself."""
_STRANGERS = "strangers"
_MOST_KNOWN = 10_000


class KnownCallers:
    """Whose secrets were found lately. Until one is looked up, its owner is a stranger, and strangers wait together:
    else a secret made up for each request would have a turn of its own.

    `most_coming` is how many secrets of one caller's may be waited for at once: tasks that wait take memory, also when
    those for whom they work have gone.
    """

    def __init__(self, most_coming: int) -> None:
        self._most_coming = most_coming
        self._coming: Counter[Hashable] = Counter()
        self._known: OrderedDict[str, UserId] = OrderedDict()

    @contextmanager
    def coming(self, secret_hash: str) -> Iterator[None]:
        """The task works for whoever has this secret, which is looked up within the block.

        Raises:
            Unavailable: as many of the caller's secrets are being looked up as may be.
        """
        whose = self._known.get(secret_hash, _STRANGERS)
        if self._coming[whose] >= self._most_coming:
            raise Unavailable(f"{self._most_coming} requests like this one wait already: try again in a moment")
        caller.set(whose)
        self._coming[whose] += 1
        try:
            yield
        finally:
            self._coming[whose] -= 1
            if not self._coming[whose]:
                del self._coming[whose]

    def are_known(self, secret_hash: str, user_id: UserId) -> None:
        """It has been found, and is this user's."""
        caller.set(user_id)
        self._known[secret_hash] = user_id
        self._known.move_to_end(secret_hash)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
