"""Requests that wait for something: each holds a connection for minutes, so that nobody has more than some."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sshore.core.errors import QuotaExceeded
from sshore.core.ids import UserId
from sshore.core.users import User
from sshore.wire.problems import Code


class Waits:
    """How many requests of each user wait; `most` for anybody."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: Counter[UserId] = Counter()

    @contextmanager
    def one(self, user: User) -> Iterator[None]:
        """Count a request while it waits.

        Raises:
            QuotaExceeded: as many of the user's wait already (``allowance_exceeded``).
        """
        if self._waiting[user.id] >= self._most:
            raise QuotaExceeded(
                f"{self._most} requests of yours wait at this server, and no more may: let some of them end, or ask "
                "without waiting (--no-wait)",
                code=Code.ALLOWANCE_EXCEEDED,
                allowance="waits",
                most=self._most,
            )
        self._waiting[user.id] += 1
        try:
            yield
        finally:
            self._waiting[user.id] -= 1
            if not self._waiting[user.id]:
                del self._waiting[user.id]
