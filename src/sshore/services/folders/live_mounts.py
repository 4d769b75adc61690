"""Folders in sessions that run: mounted and unmounted on request, and unmounted when they are no longer shared."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import replace
from weakref import WeakValueDictionary

from sshore.core import layout
from sshore.core.errors import Conflict, NotFound, SshoreError
from sshore.core.folders import Folder, FolderAccess, check_folder_ref
from sshore.core.ids import SessionId
from sshore.core.names import suggestion
from sshore.core.ports import Store
from sshore.core.sessions import Mount, Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.folders.folders import FolderService, Revoked, bind_mount, names_of
from sshore.services.sessions.lifecycle import Lifecycle
from sshore.services.sessions.records import SessionRecords
from sshore.wire.problems import Code

log = logging.getLogger("sshore.folders")

_SETTLED_S = 60.0


class LiveMounts:
    """Changes what sessions mount, in their records and, where they run, in themselves."""

    def __init__(self, store: Store, folders: FolderService, records: SessionRecords, lifecycle: Lifecycle) -> None:
        self._store = store
        self._folders = folders
        self._records = records
        self._lifecycle = lifecycle
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        folders.running = self

    async def run(self) -> None:
        """Enforce the shares that a killed server had no time for; returns when that is done."""
        for session in await self._store.sessions.list():
            if session.state.holds_resources:
                for ref in sorted({mount.folder for mount in session.mounts if mount.live and "/" in mount.folder}):
                    try:
                        await self._enforce_shares_of(session, ref)
                    except Exception:
                        log.exception("a folder could not be taken away", extra={"session": session.id, "folder": ref})

    async def mount(self, owner: User, session: Session, wanted: Mount, *, at_restart: bool) -> Session:
        """Mount a folder in a session: at once where it runs (unless `at_restart`), and whenever it starts.

        Raises:
            NotFound: there is no such folder. QuotaExceeded: it may not be written any more.
            Conflict: something else is there; or the engine can only mount at a start (`live_mount_unsupported`).
        """
        (mount,) = await self._folders.checked_mounts(owner, [wanted])
        async with self._lock(session.id):
            session = await self._current(session.id)
            others = tuple(other for other in session.mounts if other.target != mount.target)
            there = next((other for other in session.mounts if other.target == mount.target), None)
            if there and (there.folder != mount.folder or (there.live and there.read_only != mount.read_only)):
                raise Conflict(
                    f"{there.folder!r} is mounted at {mount.target} already: mount it elsewhere, or first: "
                    f"sshore unmount {session.name} {mount.target}"
                )
            if session.state is not SessionState.RUNNING:
                return await self._records.change(session.id, mounts=(*others, mount))
            if at_restart:
                live = there.live if there else False
                return await self._records.change(session.id, mounts=(*others, replace(mount, live=live)))
            await self._mount_live(owner, session, mount)
            return await self._records.change(session.id, mounts=(*others, mount))

    async def unmount(self, owner: User, session: Session, what: str, *, at_restart: bool) -> tuple[Session, bool]:
        """Mount something no longer, by the folder's name or by its path in the session; and whether processes still
        have files open there.

        Raises:
            NotFound: it is not mounted. Conflict: another folder is mounted below it, or the engine cannot
            (`live_mount_unsupported`).
        """
        async with self._lock(session.id):
            session = await self._current(session.id)
            mount = _find_mount(session, what)
            rest = tuple(other for other in session.mounts if other != mount)
            busy = False
            if session.state is SessionState.RUNNING and mount.live:
                if at_restart:
                    kept = (*rest, replace(mount, kept=False))
                    return await self._records.change(session.id, mounts=kept), busy
                _check_nothing_below(session, mount)
                busy = await self._unmount_live(owner, session, mount, rest)
            return await self._records.change(session.id, mounts=rest), busy

    async def enforce_shares(self, folder: Folder, owner: str) -> Revoked:
        """Unmount a folder in running sessions of those with whom it is no longer shared, and mount it read-only where
        it is now shared so. Processes that have files open there are ended, and a session that keeps it even so is
        stopped: nobody keeps what is not shared any more."""
        sessions = stopped = 0
        for session in await self._folders.sessions_with(folder, owner):
            if session.owner_id != folder.owner_id and session.state.holds_resources:
                user = await self._store.users.get(session.owner_id)
                if user and (done := await self._enforce_shares_in(session.id, user, folder, owner)) is not None:
                    sessions += 1
                    stopped += not done
        return Revoked(sessions, stopped)

    async def unmount_from_owner(self, folder: Folder, owner: str) -> Collection[SessionId]:
        """Unmount a folder in its owner's own running sessions; which ones. Processes keep what they have open there.
        The records keep the mounts: a session has them again when it starts and the folder is back.

        Raises:
            Conflict: another folder is mounted below it, or the engine cannot (`live_mount_unsupported`).
        """
        using = [session.id for session in await self._folders.sessions_using(folder, owner)]
        user = await self._store.users.get(folder.owner_id)
        if user:
            for session_id in using:
                await self._records.wait_settled(session_id, _SETTLED_S)
                async with self._lock(session_id):
                    await self._unmount_from_owner(await self._current(session_id), user, folder)
        return using

    async def _unmount_from_owner(self, session: Session, user: User, folder: Folder) -> None:
        if session.state is not SessionState.RUNNING:
            return
        names = names_of(folder, user.name, user.id)
        mounts = [mount for mount in session.mounts if mount.live and mount.folder in names]
        # A user folder is in no record.
        taken = mounts or [Mount(folder.name, f"{layout.HOME}/{folder.name}")]
        for mount in taken:
            _check_nothing_below(session, mount)
        access = await self._folders.access(user, folder.name)
        engine = self._lifecycle.engine(session.engine)
        try:
            await engine.unmount(session.id, bind_mount(access, taken[0]), everywhere=True, by_force=False)
        except Conflict as error:
            raise Conflict(
                f"{error.problem.detail}; first: sshore stop {session.name}", code=error.problem.code
            ) from error
        left = [mount if mount not in mounts else replace(mount, live=False) for mount in session.mounts]
        await self._records.change(session.id, mounts=tuple(mount for mount in left if mount.live or mount.kept))

    async def _enforce_shares_of(self, session: Session, ref: str) -> None:
        owner_name, name = check_folder_ref(ref)
        owner, user = await self._store.users.by_name(owner_name), await self._store.users.get(session.owner_id)
        folder = await self._store.folders.find(owner.id, name) if owner else None
        if folder and user and folder.owner_id != user.id:
            await self._enforce_shares_in(session.id, user, folder, owner_name)

    async def _enforce_shares_in(self, session_id: SessionId, user: User, folder: Folder, owner: str) -> bool | None:
        """None where the session may have what it has; else whether it goes on without it."""
        # One that is just being started may have been told of the folder already.
        await self._records.wait_settled(session_id, _SETTLED_S)
        async with self._lock(session_id):
            try:
                session = await self._records.get(session_id)
            except NotFound:
                return None
            ref = f"{owner}/{folder.name}"
            mounts = [mount for mount in session.mounts if mount.folder == ref and mount.live]
            access = await self._access(user, ref)
            if access is not None and (not access.read_only or all(mount.read_only for mount in mounts)):
                return None
            if not mounts or session.state is not SessionState.RUNNING:
                return None
            owning = await self._store.users.get(folder.owner_id)
            if owning is None:
                return None
            return await self._revoke_mounts(
                session, user, mounts, await self._folders.access(owning, folder.name), access
            )

    async def _revoke_mounts(
        self, session: Session, user: User, mounts: list[Mount], source: FolderAccess, access: FolderAccess | None
    ) -> bool:
        engine = self._lifecycle.engine(session.engine)
        ref = mounts[0].folder
        try:
            held = await engine.unmount(session.id, bind_mount(source, mounts[0]), everywhere=True, by_force=True)
        except SshoreError as error:
            log.warning("a folder could not be taken away", extra={"session": session.id, "why": error.problem.detail})
            held = True
        if held:
            await self._lifecycle.stop(session, f"the folder {ref} is no longer shared, and it was in use there")
            return False
        live = access is not None
        if access is not None:
            try:
                for mount in mounts:
                    bind = bind_mount(access, replace(mount, read_only=True))
                    await engine.mount(session.id, bind, self._folders.host_uid(user))
            except SshoreError as error:
                log.warning("a folder could not come back", extra={"session": session.id, "why": error.problem.detail})
                live = False
        changed = {mount: replace(mount, live=live, read_only=live or mount.read_only) for mount in mounts}
        await self._records.change(session.id, mounts=tuple(changed.get(mount, mount) for mount in session.mounts))
        return True

    async def _mount_live(self, owner: User, session: Session, mount: Mount) -> None:
        access = await self._folders.access(owner, mount.folder)
        engine = self._lifecycle.engine(session.engine)
        try:
            await engine.mount(session.id, bind_mount(access, mount), self._folders.host_uid(owner))
        except Conflict as error:
            raise _with_advice(error, f"sshore mount --at-restart {session.name} …") from error

    async def _unmount_live(self, owner: User, session: Session, mount: Mount, rest: tuple[Mount, ...]) -> bool:
        access = await self._access(owner, mount.folder)
        if access is None:
            return False
        engine = self._lifecycle.engine(session.engine)
        everywhere = all(other.folder != mount.folder for other in rest)
        # What others share must be out of reach when it no longer is: nothing of it is left behind unknown to us.
        force = access.folder.owner_id != owner.id
        try:
            busy = await engine.unmount(session.id, bind_mount(access, mount), everywhere=everywhere, by_force=force)
        except Conflict as error:
            raise _with_advice(error, f"sshore unmount --at-restart {session.name} …") from error
        if busy and force:
            raise Conflict(f"{mount.folder!r} is in use in {session.name!r} and cannot be taken away: stop the session")
        return busy

    async def _access(self, user: User, ref: str) -> FolderAccess | None:
        try:
            return await self._folders.access(user, ref)
        except NotFound:
            return None

    async def _current(self, session_id: SessionId) -> Session:
        session = await self._records.get(session_id)
        if session.state in (SessionState.STARTING, SessionState.STOPPING):
            raise Conflict(f"session {session.name!r} is {session.state}: try again when it has", code=Code.WRONG_STATE)
        return session

    def _lock(self, session_id: SessionId) -> asyncio.Lock:
        return self._locks.setdefault(session_id, asyncio.Lock())


def _find_mount(session: Session, what: str) -> Mount:
    at_place = what.startswith("/")
    found = [mount for mount in session.mounts if what == (mount.target if at_place else mount.folder)]
    if len(found) > 1:
        places = ", ".join(mount.target for mount in found)
        raise Conflict(f"{what!r} is mounted in several places: say which of them, {places}")
    if not found:
        if not at_place and check_folder_ref(what)[1].startswith("."):
            raise NotFound(f"{what!r} is a user folder, which is part of every session of yours")
        known = [word for mount in session.mounts for word in (mount.folder, mount.target)]
        raise NotFound(
            f"session {session.name!r} has no {what!r} mounted"
            f"{suggestion(what, known) or f'; see: sshore show {session.name}'}"
        )
    return found[0]


def _check_nothing_below(session: Session, mount: Mount) -> None:
    for other in session.mounts:
        if other.live and other.target.startswith(mount.target + "/"):
            raise Conflict(
                f"{other.folder!r} is mounted below it, at {other.target}: first, "
                f"sshore unmount {session.name} {other.target}"
            )


def _with_advice(error: Conflict, command: str) -> Conflict:
    if error.problem.code is not Code.LIVE_MOUNT_UNSUPPORTED:
        return error
    return Conflict(
        f"{error.problem.detail}; to have it from the next start on: {command}, then stop and start it",
        code=Code.LIVE_MOUNT_UNSUPPORTED,
    )
