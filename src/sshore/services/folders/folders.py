"""Storage folders: made, found, mounted."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from sshore.core import layout
from sshore.core.errors import Conflict, NotFound, QuotaExceeded
from sshore.core.folders import Folder, FolderAccess, FolderShare, check_folder_ref
from sshore.core.ids import FolderId, SessionId, UserId, new_id
from sshore.core.names import check_folder_name, suggestion
from sshore.core.ports import Clock, OpenStreams, SessionFiles, Store
from sshore.core.sessions import BindMount, Mount, Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.folders.usage import FolderUsage

MOST_FOLDERS = 500
"""Of one owner."""


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A folder that a user can use. `shares` (with their users' names; empty for everyone) are the owner's to know."""

    folder: Folder
    owner: str
    read_only: bool
    shares: tuple[tuple[str, FolderShare], ...] = ()


@dataclass(frozen=True, slots=True)
class Revoked:
    """How many running sessions of others have lost a folder, and how many of these had to be stopped."""

    sessions: int = 0
    stopped: int = 0


class RunningSessions(Protocol):
    """What unmounts folders in sessions; see `services.folders.live_mounts`."""

    async def enforce_shares(self, folder: Folder, owner: str) -> Revoked: ...

    async def unmount_from_owner(self, folder: Folder, owner: str) -> Collection[SessionId]: ...


class FolderService:
    """An owner's folders, and what others share. `runs_as_root`: whether folders belong to the owner's own uid.

    `running` is set by whoever unmounts folders in running sessions, which need this service themselves.
    """

    def __init__(
        self,
        store: Store,
        files: SessionFiles,
        streams: OpenStreams,
        clock: Clock,
        usage: FolderUsage,
        *,
        runs_as_root: bool,
    ) -> None:
        self._store = store
        self._files = files
        self._streams = streams
        self._clock = clock
        self._runs_as_root = runs_as_root
        self.usage = usage
        self.running: RunningSessions | None = None

    async def create(self, owner: User, name: str) -> Folder:
        """Make a folder.

        Raises:
            InvalidInput: the name is none. Conflict: the owner has one of that name. QuotaExceeded: the owner has
                `MOST_FOLDERS`, those in the trash included.
        """
        if len(await self.list(owner)) + len(await self._store.trashed_folders.list(owner.id)) >= MOST_FOLDERS:
            raise QuotaExceeded(
                f"you have {MOST_FOLDERS} folders with those in the trash, which is the most: remove some with: "
                "sshore folder rm NAME, and empty the trash with: sshore folder trash empty"
            )
        folder = Folder(FolderId(new_id()), owner.id, check_folder_name(name), self._clock.now())
        await self._store.folders.add(folder)
        try:
            await self._files.create_folder(owner.id, name, owner.host_uid if self._runs_as_root else None)
        except BaseException:
            await self._store.folders.remove(folder.id)
            raise
        return folder

    async def list(self, owner: User) -> list[Folder]:
        """An owner's own."""
        return await self._store.folders.list(owner.id)

    async def usable(self, user: User) -> Sequence[ListedFolder]:
        """A user's own folders, then those that others share; where two shares are for one, the wider holds."""
        names = {one.id: one.name for one in await self._store.users.list()}
        listed = [await self._own(folder, user.name, names) for folder in await self.list(user)]
        shared: dict[FolderId, ListedFolder] = {}
        for folder, share in await self._store.folder_shares.with_user(user.id):
            if folder.id not in shared or not share.read_only:
                shared[folder.id] = ListedFolder(folder, names[folder.owner_id], share.read_only)
        return [*listed, *shared.values()]

    async def remove(self, owner: User, name: str, *, force: bool = False) -> None:
        """Remove a folder and all it holds, at once and for ever; of an offered directory, only the offer.

        Raises:
            NotFound: there is none. Conflict: as `ensure_unmounted`.
        """
        folder = await self.own(owner, name)
        await self.ensure_unmounted(folder, owner.name, force=force)
        await self.unshare_all(folder, owner.name)
        if not folder.path:
            await self._files.remove_folder(owner.id, name)
        await self._store.folders.remove(folder.id)

    async def forget_trash(self, owner: User) -> None:
        """Remove for ever what is in an owner's trash."""
        for trashed in await self._store.trashed_folders.list(owner.id):
            await self._files.empty_trash(trashed.id)
            await self._store.trashed_folders.remove(trashed.id)

    async def own(self, owner: User, name: str) -> Folder:
        """An owner's folder.

        Raises:
            NotFound: the owner has none of that name, whatever others share.
        """
        folder = await self._store.folders.find(owner.id, name)
        if folder is None:
            raise await self._unknown(owner, name)
        return folder

    async def access(self, user: User, ref: str) -> FolderAccess:
        """How a user may use a folder, ``NAME`` or ``OWNER/NAME``.

        Raises:
            NotFound: there is none that is the user's to know of.
        """
        owner_name, name = check_folder_ref(ref)
        owner = user if owner_name in ("", user.name) else await self._store.users.by_name(owner_name)
        folder = await self._store.folders.find(owner.id, name) if owner else None
        access = await self._access_of(user, folder, owner) if owner and folder else None
        if access is None:
            raise await self._unknown(user, ref)
        return access

    async def access_by_any_ref(self, user: User, ref: str) -> FolderAccess:
        """As `access`, but also by the folder's id, which outlives its names; what the ref names comes first."""
        try:
            return await self.access(user, ref)
        except NotFound:
            folder = await self._store.folders.get(FolderId(ref))
            owner = await self._store.users.get(folder.owner_id) if folder else None
            access = await self._access_of(user, folder, owner) if owner and folder else None
            if access is None:
                raise
            return access

    async def enforce_shares(self, folder: Folder, owner: str) -> Revoked:
        """Make an end to what others have of a folder beyond its shares, in streams and in running sessions."""
        self._streams.revoke(folder.id)  # who still may comes back, with the rights that hold now
        return await self.running.enforce_shares(folder, owner) if self.running else Revoked()

    async def unshare_all(self, folder: Folder, owner: str) -> None:
        """Share a folder with nobody any more, whoever uses it now."""
        for share in await self._store.folder_shares.of_folder(folder.id):
            await self._store.folder_shares.remove(folder.id, share.user_id)
        await self.enforce_shares(folder, owner)

    async def ensure_unmounted(self, folder: Folder, owner: str, *, force: bool) -> None:
        """See to it that no session of its owner's has a folder mounted; by `force` it is unmounted there.

        Raises:
            Conflict: one has it; or it cannot be unmounted.
        """
        unmounted = await self.running.unmount_from_owner(folder, owner) if force and self.running else ()
        using = [session.name for session in await self.sessions_using(folder, owner) if session.id not in unmounted]
        if using:
            others = "" if folder.is_user_folder else f"; or: sshore unmount {using[0]} {folder.name}"
            raise Conflict(
                f"the folder {folder.name!r} is mounted in {_named(using)}: `sshore folder rm --force {folder.name}` "
                f"takes it away there first{others}"
            )

    async def sessions_using(self, folder: Folder, owner: str) -> Sequence[Session]:
        """The sessions of its owner's that have a folder mounted, or are about to."""
        names = names_of(folder, owner, folder.owner_id)
        return [
            session
            for session in await self.sessions_with(folder, owner)
            if session.owner_id == folder.owner_id
            and session.state.holds_resources
            and (
                folder.is_user_folder
                or session.state is not SessionState.RUNNING
                or any(mount.live and mount.folder in names for mount in session.mounts)
            )
        ]

    async def sessions_with(self, folder: Folder, owner: str) -> Sequence[Session]:
        """The sessions, of anybody, that mount a folder whenever they run."""
        return [
            session
            for session in await self._store.sessions.list()
            if (folder.is_user_folder and session.owner_id == folder.owner_id)
            or any(mount.folder in names_of(folder, owner, session.owner_id) for mount in session.mounts)
        ]

    async def checked_mounts(self, owner: User, mounts: Sequence[Mount]) -> tuple[Mount, ...]:
        """The mounts of a new session, for reading only where the folder is shared so.

        Raises:
            NotFound: a folder does not exist. QuotaExceeded: it may not be written any more.
        """
        return tuple([await self._checked_mount(owner, mount) for mount in mounts])

    async def all_mounts(self, owner: User, mounts: Sequence[Mount]) -> tuple[Mount, ...]:
        """A session's mounts and, before them, the owner's user folders, each in the home under its own name."""
        explicit = {mount.folder for mount in mounts}
        of_user = [
            Mount(folder.name, f"{layout.HOME}/{folder.name}")
            for folder in await self._store.folders.list(owner.id)
            if folder.is_user_folder and folder.name not in explicit
        ]
        return (*of_user, *mounts)

    async def bind_mounts(self, owner: User, mounts: Sequence[Mount]) -> tuple[BindMount, ...]:
        """The host's side of a session's mounts, without those that are `missing`: nobody is locked out of a session
        because somebody has taken back a share. Those that are `full` are for reading."""
        accessible = await self._accessible(owner, mounts)
        full = await self._full(accessible)
        return tuple(
            bind_mount(access, replace(mount, read_only=mount.read_only or mount in full))
            for mount, access in accessible
        )

    async def full(self, owner: User, mounts: Sequence[Mount]) -> Sequence[str]:
        """The folders that are mounted for reading only because there is no room in their owner's allowance."""
        return [mount.folder for mount in await self._full(await self._accessible(owner, mounts))]

    async def _accessible(self, owner: User, mounts: Sequence[Mount]) -> Sequence[tuple[Mount, FolderAccess]]:
        found = []
        for mount in await self.all_mounts(owner, [mount for mount in mounts if mount.kept]):
            with suppress(NotFound):
                found.append((mount, await self.access(owner, mount.folder)))
        return found

    async def _full(self, accessible: Sequence[tuple[Mount, FolderAccess]]) -> Sequence[Mount]:
        writable = {
            mount: access.folder.owner_id
            for mount, access in accessible
            if not (mount.read_only or access.read_only or access.folder.path)
        }
        over = {owner_id for owner_id in set(writable.values()) if await self.usage.is_over(owner_id)}
        return [mount for mount, owner_id in writable.items() if owner_id in over]

    async def missing(self, owner: User, mounts: Sequence[Mount]) -> Mapping[str, str]:
        """The targets of those mounts whose folders the owner does not have any more, with the reason as a phrase."""
        found = {}
        for mount in mounts:
            try:
                await self.access(owner, mount.folder)
            except NotFound:
                found[mount.target] = await self._why_missing(owner, mount.folder)
        return found

    async def _why_missing(self, owner: User, ref: str) -> str:
        owner_name, name = check_folder_ref(ref)
        if owner_name not in ("", owner.name):
            return "no longer shared"
        trashed = await self._store.trashed_folders.list(owner.id)
        return "in the trash" if any(folder.name == name for folder in trashed) else "removed"

    async def _checked_mount(self, user: User, mount: Mount) -> Mount:
        access = await self.access(user, mount.folder)
        if mount.read_only or access.read_only:
            return replace(mount, read_only=True)
        await self.usage.check_writable(access.folder.owner_id, mount.folder)
        return mount

    def host_uid(self, user: User) -> int | None:
        """The uid of a user's sessions on the host; None where the server is not root."""
        return user.host_uid if self._runs_as_root else None

    async def _access_of(self, user: User, folder: Folder, owner: User) -> FolderAccess | None:
        """None where the folder is not the user's to know of."""
        if owner.id == user.id:
            return self._access(folder, owner, user, read_only=False)
        shares = [s for s in await self._store.folder_shares.of_folder(folder.id) if s.user_id in (None, user.id)]
        if not shares:
            return None
        return self._access(folder, owner, user, read_only=all(share.read_only for share in shares))

    def _access(self, folder: Folder, owner: User, user: User, *, read_only: bool) -> FolderAccess:
        if folder.path:  # there the host's own owners and modes say what the user may do
            uid = user.host_uid if self._runs_as_root else None
            return FolderAccess(folder, owner.name, Path(folder.path), read_only, uid)
        source = self._files.folder_path(owner.id, folder.name)
        if not self._runs_as_root:
            return FolderAccess(folder, owner.name, source, read_only, None)
        disk_uid = owner.host_uid if owner.id != user.id else None
        return FolderAccess(folder, owner.name, source, read_only, owner.host_uid, disk_uid)

    async def _own(self, folder: Folder, owner: str, names: dict[UserId, str]) -> ListedFolder:
        shares = await self._store.folder_shares.of_folder(folder.id)
        named = [(names[share.user_id] if share.user_id else "", share) for share in shares]
        return ListedFolder(folder, owner, False, tuple(sorted(named, key=lambda one: one[0])))

    async def _unknown(self, user: User, ref: str) -> NotFound:
        known = [listed.folder.ref(listed.owner, user.name) for listed in await self.usable(user)]
        advice = "; see: sshore folder ls" if "/" in ref else f"; make it with: sshore folder create {ref}"
        return NotFound(f"you have no folder {ref!r}{suggestion(ref, known) or advice}")


def bind_mount(access: FolderAccess, mount: Mount) -> BindMount:
    """The host's side of a mount, for reading only where the folder is shared so."""
    read_only = mount.read_only or access.read_only
    return BindMount(access.source, mount.target, read_only, access.disk_uid, offered=bool(access.folder.path))


def names_of(folder: Folder, owner: str, session_owner: UserId) -> tuple[str, ...]:
    """What a session's owner may call a folder."""
    whole = f"{owner}/{folder.name}"
    return (folder.name, whole) if session_owner == folder.owner_id else (whole,)


def _named(sessions: Sequence[str]) -> str:
    return f"session{'s' if len(sessions) > 1 else ''} {', '.join(map(repr, sessions))}"
