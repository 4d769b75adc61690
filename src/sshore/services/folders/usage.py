"""How much the folders of an owner hold, and how much they may by the allowance `folders`.

Where the server is root and the disk has project quotas, the kernel holds the quota, whoever writes. Elsewhere a
directory has no limit of its own, so that a quota holds where bytes pass by us: uploads to folders are cut off when it
is reached, and what is over it cannot be mounted for writing: a session that starts again has it for reading. A session
that has a folder mounted already can then write more into it.
"""

from contextlib import suppress
from dataclasses import dataclass

from sshore.core.choices import Role
from sshore.core.errors import Forbidden, QuotaExceeded, Unavailable
from sshore.core.ids import UserId
from sshore.core.names import format_bytes
from sshore.core.ports import SessionFiles, Store
from sshore.core.users import User
from sshore.services.disk_counts import DiskCounts
from sshore.services.people.allowances import Allowances
from sshore.services.people.find_user import find_user


@dataclass(frozen=True, slots=True)
class Usage:
    """What an owner's folders and trash take on the disk; `quota_bytes` is None where there is no limit.

    `not_held`: why the kernel does not hold the quota, as a phrase; empty where it does.
    """

    owner: str
    used_bytes: int
    quota_bytes: int | None
    not_held: str = ""


class FolderUsage:
    def __init__(self, store: Store, files: SessionFiles, allowances: Allowances) -> None:
        self._store = store
        self._files = files
        self._allowances = allowances
        self._counts = DiskCounts()

    async def begin(self) -> None:
        """Have the kernel hold the quotas that there are, where it can; once, before anything is written."""
        if not await self._files.cannot_hold_quotas():
            for owner in await self._store.users.list():
                await self.hold(owner)

    async def hold(self, owner: User) -> None:
        """Have the kernel hold what an owner's allowance says now, where it can."""
        if not await self._files.cannot_hold_quotas():
            quota = (await self._allowances.of(owner)).folder_bytes
            trashed = [folder.id for folder in await self._store.trashed_folders.list(owner.id)]
            await self._files.hold_quota(owner.id, owner.host_uid, quota, trashed)

    async def of(self, caller: User, name: str = "") -> Usage:
        """The caller's or, for an admin, another user's.

        Raises:
            Forbidden, NotFound: it is somebody else's, or nobody's.
        """
        owner = await self._owner(caller, name)
        quota, not_held = (await self._allowances.of(owner)).folder_bytes, await self._files.cannot_hold_quotas()
        return Usage(owner.name, await self.used_bytes(owner), quota, not_held)

    async def used_bytes(self, owner: User) -> int:
        """What an owner's folders and trash take, to show.

        Raises:
            Unavailable: it takes too long to count.
        """
        held = await self._files.held_bytes(owner.id, owner.host_uid)
        return held if held is not None else await self._counts.lately(owner.id, lambda: self._count(owner.id))

    async def set_quota(self, caller: User, name: str, size_bytes: int | None) -> Usage:
        """Limit what a user's folders hold in all, which is an allowance; None is without a limit. For admins.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user.
            InvalidInput: a quota that cannot be, or is above the server's maximum.
        """
        owner = await self._allowances.change(caller, name, {"folder_bytes": size_bytes}, [])
        await self.hold(owner)
        return await self.of(caller, name)

    async def room_bytes(self, owner_id: UserId) -> int | None:
        """How much may still be written into an owner's folders; None where there is no limit."""
        quota = (await self._allowances.of_owner(owner_id)).folder_bytes
        if quota is None:
            return None
        owner = await self._store.users.get(owner_id)
        used = await self._files.held_bytes(owner_id, owner.host_uid) if owner else None
        if used is None:
            used = await self._counts.now(owner_id, lambda: self._count(owner_id))
        return max(quota - used, 0)

    async def check_writable(self, owner_id: UserId, ref: str) -> None:
        """Let folders pass that may be written.

        Raises:
            QuotaExceeded: their owner's quota is reached.
        """
        if await self.room_bytes(owner_id) == 0:
            quota = (await self._allowances.of_owner(owner_id)).folder_bytes
            raise QuotaExceeded(
                f"the quota of the owner of {ref!r} ({format_bytes(quota or 0)}) is reached: remove something or empty "
                f"the trash (sshore folder trash empty), or mount it for reading: --mount {ref}:ro",
                allowance="folders",
            )

    async def is_over(self, owner_id: UserId) -> bool:
        """Whether there is no room in an owner's folders, and no kernel that says so to whoever writes. What takes too
        long to count is not."""
        if await self._files.cannot_hold_quotas():
            with suppress(Unavailable):
                return await self.room_bytes(owner_id) == 0
        return False

    async def _count(self, owner_id: UserId) -> int:
        trashed = [folder.id for folder in await self._store.trashed_folders.list(owner_id)]
        return await self._files.used_bytes(owner_id, trashed)

    async def _owner(self, caller: User, name: str) -> User:
        if not name or name == caller.name:
            return caller
        if caller.role is not Role.ADMIN:
            raise Forbidden("only an admin may do this")
        return await find_user(self._store, name)
