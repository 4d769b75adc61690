"""The streams that are open or about to be, and whose they are; implements `core.ports.OpenStreams`."""

from collections.abc import Iterator
from contextlib import contextmanager

from sshore.core.ids import TokenId, UserId
from sshore.core.sessions import StreamGrant
from sshore.relay.join import Relay


class Opening:
    """A stream on its way from the client's request to its relay.

    Authorising it and waiting for a link take time, and what was true at its start may be revoked meanwhile.
    """

    def __init__(self) -> None:
        self.revoked: set[TokenId | UserId] = set()

    def concerns(self, grant: StreamGrant) -> bool:
        """Whether the stream's token was revoked, or its user disabled, since the opening began."""
        return not self.revoked.isdisjoint((grant.token_id, grant.user_id))


class StreamTable:
    """All streams of one gateway."""

    def __init__(self) -> None:
        self._open: dict[Relay, StreamGrant] = {}
        self._opening: set[Opening] = set()

    def __len__(self) -> int:
        return len(self._open)

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

    def discard(self, relay: Relay) -> None:
        self._open.pop(relay, None)

    def revoke(self, holder: TokenId | UserId) -> int:
        for opening in self._opening:
            opening.revoked.add(holder)
        theirs = [relay for relay, grant in self._open.items() if holder in (grant.token_id, grant.user_id)]
        for relay in theirs:
            relay.abort()
        return len(theirs)

    def abort_all(self) -> None:
        for relay in list(self._open):
            relay.abort()
