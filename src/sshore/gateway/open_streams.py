"""The streams that are open or about to be, and whose they are; implements `core.ports.OpenStreams` and `Traffic`."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sshore.core.audit import StreamEnd
from sshore.core.errors import QuotaExceeded
from sshore.core.ids import FolderId, SessionId, TokenId, UserId
from sshore.core.sessions import StreamGrant
from sshore.relay.join import Relay
from sshore.wire.problems import Code


class Opening:
    """A stream on its way from the client's request to its relay.

    Authorising it and waiting for a link take time, and what was true at its start may be revoked meanwhile.
    """

    def __init__(self) -> None:
        self.revoked: set[TokenId | UserId | FolderId] = set()
        self.user_id: UserId | None = None
        """Whose stream it will be, once that is known."""

    def concerns(self, grant: StreamGrant) -> bool:
        """Whether the stream's token was revoked, or its user disabled, since the opening began."""
        return not self.revoked.isdisjoint(_holders(grant))


class StreamTable:
    """All streams of one gateway."""

    def __init__(self) -> None:
        self._open: dict[Relay, StreamGrant] = {}
        self._opening: set[Opening] = set()
        self._by_user: Counter[UserId] = Counter()
        self._counted: dict[Relay, int] = {}
        self._moved_by_ended: Counter[SessionId] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def open_by(self, user_id: UserId) -> int:
        return self._by_user[user_id] + sum(opening.user_id == user_id for opening in self._opening)

    def claim(self, opening: Opening, grant: StreamGrant) -> None:
        """Count a stream as its user's, before anything is opened for it.

        Raises:
            QuotaExceeded: the user has as many as may be (``allowance_exceeded``).
        """
        if grant.user_id is None:
            return
        used = self.open_by(grant.user_id)
        if grant.most is not None and used >= grant.most:
            raise QuotaExceeded(
                f"your allowance of open streams is {grant.most}, and as many are open: close some connections, or an "
                "administrator can allow you more (sshore user allow)",
                code=Code.ALLOWANCE_EXCEEDED,
                allowance="streams",
                most=grant.most,
                used=used,
            )
        opening.user_id = grant.user_id

    @contextmanager
    def opening(self) -> Iterator[Opening]:
        opening = Opening()
        self._opening.add(opening)
        try:
            yield opening
        finally:
            self._opening.discard(opening)

    def add(self, relay: Relay, grant: StreamGrant) -> None:
        self._open[relay] = grant
        if grant.user_id is not None:
            self._by_user[grant.user_id] += 1

    def discard(self, relay: Relay) -> None:
        if relay in self._open:
            self._count(relay, self._moved_by_ended)
            self._leave(self._open[relay].user_id)
            del self._open[relay], self._counted[relay]

    def revoke(self, holder: TokenId | UserId | FolderId) -> int:
        for opening in self._opening:
            opening.revoked.add(holder)
        theirs = [relay for relay, grant in self._open.items() if holder in _holders(grant)]
        for relay in theirs:
            relay.abort(StreamEnd.REVOKED)
        return len(theirs)

    def abort_all(self) -> None:
        for relay in list(self._open):
            relay.abort(StreamEnd.SERVER_STOPPED)

    def take_moved(self) -> dict[SessionId, int]:
        moved, self._moved_by_ended = self._moved_by_ended, Counter()
        for relay in self._open:
            self._count(relay, moved)
        return {session_id: count for session_id, count in moved.items() if count}

    def _leave(self, user_id: UserId | None) -> None:
        if user_id is not None:
            self._by_user[user_id] -= 1
            if not self._by_user[user_id]:
                del self._by_user[user_id]

    def _count(self, relay: Relay, moved: Counter[SessionId]) -> None:
        """Add what a stream has moved since it was counted last."""
        total = relay.bytes_from_left + relay.bytes_from_right
        moved[self._open[relay].session_id] += total - self._counted.get(relay, 0)
        self._counted[relay] = total


def _holders(grant: StreamGrant) -> tuple[str | None, ...]:
    """By what it can be revoked: its token, its user, and the folder that it leads to."""
    return grant.token_id, grant.user_id, grant.session_id if grant.folder else None
