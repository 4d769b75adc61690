"""How much the folders of an owner hold, and how much they may.

Where the server is root and the disk has project quotas, the kernel holds the quota, whoever writes. Elsewhere a
directory has no limit of its own, so that a quota holds where bytes pass by us: uploads to folders are cut off when it
is reached, and what is over it cannot be mounted for writing. A session that has a folder mounted already can then
write more into it.
"""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass

from sshore.core.choices import Role
from sshore.core.errors import Forbidden, QuotaExceeded
from sshore.core.ids import UserId
from sshore.core.names import format_bytes
from sshore.core.ports import SessionFiles, Store
from sshore.core.users import User
from sshore.services.people.accounts import require_admin
from sshore.services.people.find_user import find_user

_FRESH_S = 30.0
"""How long a count is good for a display. What is enforced is counted anew, unless that takes long."""
_CHEAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What an owner's folders and trash take on the disk; `quota_bytes` is None where there is no limit.

    `not_held`: why the kernel does not hold the quota, as a phrase; empty where it does.
    """

    owner: str
    used_bytes: int
    quota_bytes: int | None
    not_held: str = ""


@dataclass(frozen=True, slots=True)
class _Count:
    used_bytes: int
    at: float
    took_s: float


class FolderUsage:
    def __init__(self, store: Store, files: SessionFiles) -> None:
        self._store = store
        self._files = files
        self._counts: dict[UserId, _Count] = {}
        self._counting: defaultdict[UserId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def begin(self) -> None:
        """Have the kernel hold the quotas that there are, where it can; once, before anything is written."""
        if await self._files.cannot_hold_quotas():
            return
        for owner in await self._store.users.list():
            quota = await self._store.folder_quotas.get(owner.id)
            if quota is not None:
                await self._hold(owner, quota)

    async def of(self, caller: User, name: str = "") -> Usage:
        """The caller's or, for an admin, another user's.

        Raises:
            Forbidden, NotFound: it is somebody else's, or nobody's.
        """
        owner = await self._owner(caller, name)
        quota, not_held = await self._store.folder_quotas.get(owner.id), await self._files.cannot_hold_quotas()
        used = await self._files.held_bytes(owner.id, owner.host_uid) if not not_held else None
        if used is None:
            count = self._counts.get(owner.id)
            if count is None or time.monotonic() - count.at > _FRESH_S:
                count = await self._count(owner.id)
            used = count.used_bytes
        return Usage(owner.name, used, quota, not_held)

    async def set_quota(self, caller: User, name: str, size_bytes: int | None) -> Usage:
        """Limit what a user's folders hold in all; None takes the limit away. For admins."""
        require_admin(caller)
        owner = await self._owner(caller, name)
        await self._store.folder_quotas.set(owner.id, size_bytes)
        if not await self._files.cannot_hold_quotas():
            await self._hold(owner, size_bytes)
        return await self.of(caller, name)

    async def room_bytes(self, owner_id: UserId) -> int | None:
        """How much may still be written into an owner's folders; None where there is no limit."""
        quota = await self._store.folder_quotas.get(owner_id)
        if quota is None:
            return None
        owner = await self._store.users.get(owner_id)
        held = await self._files.held_bytes(owner_id, owner.host_uid) if owner else None
        if held is not None:
            return max(quota - held, 0)
        count = self._counts.get(owner_id)
        # A tree that takes long to count is not counted again for every connection.
        if count is None or time.monotonic() - count.at > (0 if count.took_s < _CHEAP_S else 10 * count.took_s):
            count = await self._count(owner_id)
        return max(quota - count.used_bytes, 0)

    async def check_writable(self, owner_id: UserId, ref: str) -> None:
        """Let folders pass that may be written.

        Raises:
            QuotaExceeded: their owner's quota is reached.
        """
        if await self.room_bytes(owner_id) == 0:
            quota = await self._store.folder_quotas.get(owner_id)
            raise QuotaExceeded(
                f"the quota of the owner of {ref!r} ({format_bytes(quota or 0)}) is reached: remove something or empty "
                f"the trash (sshore folder trash empty), or mount it for reading: --mount {ref}:ro"
            )

    async def _hold(self, owner: User, size_bytes: int | None) -> None:
        trashed = [folder.id for folder in await self._store.trashed_folders.list(owner.id)]
        await self._files.hold_quota(owner.id, owner.host_uid, size_bytes, trashed)

    async def _count(self, owner_id: UserId) -> _Count:
        async with self._counting[owner_id]:
            began = time.monotonic()
            trashed = [folder.id for folder in await self._store.trashed_folders.list(owner_id)]
            used = await self._files.used_bytes(owner_id, trashed)
            self._counts[owner_id] = count = _Count(used, time.monotonic(), time.monotonic() - began)
            return count

    async def _owner(self, caller: User, name: str) -> User:
        if not name or name == caller.name:
            return caller
        if caller.role is not Role.ADMIN:
            raise Forbidden("only an admin may do this")
        return await find_user(self._store, name)
