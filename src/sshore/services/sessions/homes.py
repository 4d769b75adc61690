"""How much the home of a session holds, and how much it may by its owner's allowance `home`.

Where the server is root and the disk has project quotas, the kernel bounds each home, whoever writes; a session always
starts, so that its owner can tidy up. Elsewhere homes are counted: `show` says what is over, and a session whose home
holds more than it may is not started again.
"""

import asyncio
import logging
from dataclasses import dataclass
from weakref import WeakValueDictionary

from sshore.core.errors import QuotaExceeded, SshoreError
from sshore.core.ids import SessionId, UserId
from sshore.core.names import format_bytes
from sshore.core.ports import SessionFiles, Store
from sshore.core.sessions import Session
from sshore.services.disk_counts import DiskCounts
from sshore.services.people.allowances import Allowances
from sshore.wire.problems import Code

log = logging.getLogger("sshore.homes")

PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class HomeUse:
    """What a home takes (None: that takes too long to count) and may; `not_held`: why the kernel does not bound it."""

    used_bytes: int | None
    most_bytes: int
    not_held: str


class Homes:
    def __init__(self, store: Store, files: SessionFiles, allowances: Allowances) -> None:
        self._store = store
        self._files = files
        self._allowances = allowances
        self._counts = DiskCounts()
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()

    async def hold(self, session: Session) -> None:
        """Have the kernel bound a home by what its owner's allowance says now, where it can."""
        if not await self._files.cannot_hold_homes():
            async with self._locks.setdefault(session.id, asyncio.Lock()):
                most = (await self._allowances.of_owner(session.owner_id)).home_bytes
                await self._files.hold_home(session.id, most)

    async def hold_all(self, owner_id: UserId) -> None:
        """As `hold`, of all of an owner's sessions, as far as it goes: the next start makes sure."""
        if await self._files.cannot_hold_homes():
            return
        for session in await self._store.sessions.list(owner_id):
            try:
                await self.hold(session)
            except (SshoreError, OSError) as error:  # its user is changing it all the time
                log.warning("a home's bound waits", extra={"session": session.id, "reason": str(error)})

    async def check(self, session: Session) -> None:
        """Let a session start whose home the kernel bounds, or holds no more than it may.

        Raises:
            QuotaExceeded: it holds more (``allowance_exceeded``). Unavailable: it takes too long to count.
        """
        most = (await self._allowances.of_owner(session.owner_id)).home_bytes
        if most is None or not await self._files.cannot_hold_homes():
            return
        used = await self._counts.now(session.id, lambda: self._files.home_bytes(session.id))
        if used > most:
            raise QuotaExceeded(
                f"the home of session {session.name!r} holds {format_bytes(used)}, and your allowance of home is "
                f"{format_bytes(most)}: an administrator can allow you more (sshore user allow), if only until you "
                "have removed something",
                code=Code.ALLOWANCE_EXCEEDED,
                allowance="home",
                most=most,
                used=used,
            )

    async def use(self, session: Session) -> HomeUse | None:
        """What a home holds, to show; None where it may hold what it likes."""
        most = (await self._allowances.of_owner(session.owner_id)).home_bytes
        if most is None:
            return None
        used = await self._files.held_home_bytes(session.id)
        if used is None:
            used = await self._counted(session.id)
        return HomeUse(used, most, await self._files.cannot_hold_homes())

    async def _counted(self, session_id: SessionId) -> int | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._counts.lately(session_id, lambda: self._files.home_bytes(session_id))
        except (SshoreError, TimeoutError):
            return None
