"""What the database keeps of sessions and streams: `Store`'s tables, implemented by `store`."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sshore.core.activity import LastActivity
from sshore.core.audit import StreamEnd, StreamFilter, StreamRecord
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import Session


class Sessions(Protocol):
    async def add(self, session: Session) -> None:
        """Raises Conflict (``name_taken``) when the owner has one of that name."""

    async def get(self, session_id: SessionId) -> Session | None: ...

    async def find(self, owner_id: UserId, ref: str) -> Session | None:
        """An owner's session by id or by name."""

    async def by_agent_token_hash(self, token_hash: str) -> Session | None: ...

    async def list(self, owner_id: UserId | None = None) -> list[Session]:
        """An owner's sessions, or all; oldest first."""

    async def update(self, session: Session) -> None: ...

    async def remove(self, session_id: SessionId) -> None: ...


class Activities(Protocol):
    """What is known of the sessions that run."""

    async def list(self) -> list[LastActivity]: ...

    async def replace(self, activities: Collection[LastActivity]) -> None:
        """Keep these in place of all others."""


class StreamRecords(Protocol):
    """Who connected to what; see `core.audit`."""

    async def write(self, opened: Collection[StreamRecord], ended: Collection[StreamRecord]) -> None:
        """Add streams (which may have ended already), and note the end of streams that were added before."""

    async def end_open(self, at: datetime, end: StreamEnd) -> int:
        """Note an end for every stream that has none; how many."""

    async def list(self, wanted: StreamFilter, limit: int) -> list[StreamRecord]:
        """The newest first."""

    async def prune(self, before: datetime) -> int:
        """Forget streams that began before, and have ended; how many."""
