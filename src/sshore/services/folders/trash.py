"""Folders that change their place: renamed, moved to the trash and back, removed when their time there is over."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from sshore.core.errors import Conflict, InvalidInput, NotFound, SshoreError
from sshore.core.folders import Folder, TrashedFolder
from sshore.core.ids import FolderId, UserId
from sshore.core.names import check_folder_name, suggestion
from sshore.core.ports import Clock, OpenStreams, SessionFiles, Store
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.folders.folders import FolderService
from sshore.services.sessions.records import SessionRecords

log = logging.getLogger("sshore.folders")

DEFAULT_TRASH_DAYS = 7.0
_LOOK_EVERY_S = 600.0
_STARTED_S = 10.0


class FolderTrash:
    """`days`: how long what is removed can be had back."""

    def __init__(
        self,
        store: Store,
        files: SessionFiles,
        folders: FolderService,
        records: SessionRecords,
        streams: OpenStreams,
        clock: Clock,
        days: float = DEFAULT_TRASH_DAYS,
    ) -> None:
        self._store = store
        self._files = files
        self._folders = folders
        self._records = records
        self._streams = streams
        self._clock = clock
        self._kept = timedelta(days=days)
        self._owners: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()
        self._going: set[FolderId] = set()
        """What is being removed for ever, which takes a while: it is as good as gone, and holds nobody up."""

    async def run(self) -> None:
        """Remove what has been in the trash for long enough, until cancelled."""
        while True:
            try:
                await self.expire()
            except SshoreError as error:
                log.error("the trash could not be emptied", extra={"reason": error.problem.detail})
            except Exception:
                log.exception("the trash could not be emptied")
            await asyncio.sleep(_LOOK_EVERY_S)

    def until(self, trashed: TrashedFolder) -> datetime:
        """When it will be gone."""
        return trashed.trashed_at + self._kept

    async def rename(self, owner: User, name: str, new_name: str) -> Folder:
        """Give a folder another name, also in the sessions that mount it; those that run have it where they had it.

        Raises:
            NotFound: there is none. InvalidInput: what is shared cannot become a user folder.
            Conflict: the new name is taken; or it is or becomes a user folder, and a session runs that has it.
        """
        check_folder_name(new_name)
        async with self._changing(owner.id):
            folder = await self._folders.own(owner, name)
            await self._check_rename(owner, folder, new_name)
            sessions = await self._folders.sessions_with(folder, owner.name)
            for session in sessions:
                if session.state is SessionState.STARTING:  # it may have been told of the directory by its old name
                    await self._records.wait_settled(session.id, _STARTED_S)
            await self._store.folders.rename(folder.id, new_name)
            if not folder.path:
                try:
                    await self._files.rename_folder(owner.id, name, new_name)
                except BaseException:
                    await self._store.folders.rename(folder.id, name)
                    raise
            names = {name: new_name, f"{owner.name}/{name}": f"{owner.name}/{new_name}"}
            for session in sessions:
                mine = names if session.owner_id == owner.id else {f"{owner.name}/{name}": f"{owner.name}/{new_name}"}
                with suppress(NotFound):  # it has been removed meanwhile
                    now = (await self._records.get(session.id)).mounts
                    mounts = tuple(replace(mount, folder=mine.get(mount.folder, mount.folder)) for mount in now)
                    await self._records.change(session.id, mounts=mounts)
            self._streams.revoke(folder.id)
            return replace(folder, name=new_name)

    async def _check_rename(self, owner: User, folder: Folder, new_name: str) -> None:
        becomes_user_folder = new_name.startswith(".") and not folder.is_user_folder
        if becomes_user_folder and (folder.path or await self._store.folder_shares.of_folder(folder.id)):
            raise InvalidInput(
                f"{folder.name!r} is shared, and a name that starts with a dot is that of a user folder, which is "
                "yours alone: choose another name, or take the share back first"
            )
        if becomes_user_folder or folder.is_user_folder:  # its name says where sessions have it
            using = await self._folders.sessions_using(folder, owner.name)
            if using:
                raise Conflict(
                    f"the folder {folder.name!r} is mounted in session {using[0].name!r}: first, sshore stop "
                    f"{using[0].name}"
                )

    async def trash(self, owner: User, name: str, *, force: bool = False) -> TrashedFolder | None:
        """Move a folder to the trash; what was shared no longer is. None: it was an offered directory, which stays
        where it is. `force`: it is taken away from sessions of the owner's that have it mounted.

        Raises:
            NotFound: there is none. Conflict: a session of the owner's has it mounted.
        """
        async with self._changing(owner.id):
            folder = await self._folders.own(owner, name)
            await self._folders.ensure_unmounted(folder, owner.name, force=force)
            await self._folders.unshare_all(folder, owner.name)
            if folder.path:
                await self._store.folders.remove(folder.id)
                return None
            now = self._clock.now()
            trashed = TrashedFolder(folder.id, owner.id, name, folder.created_at, now)
            await self._files.trash_folder(folder)
            try:
                await self._store.folders.trash(folder, now)
            except BaseException:
                await self._files.restore_folder(trashed, name)
                raise
            return trashed

    async def list(self, owner: User) -> Sequence[TrashedFolder]:
        return await self._in_trash(owner.id)

    async def restore(self, owner: User, ref: str, name: str = "") -> Folder:
        """Bring a folder back, the latest of that name (or by id), under its own name or another.

        Raises:
            NotFound: there is none in the trash. Conflict: the name is taken by now.
        """
        async with self._changing(owner.id):
            trashed = await self._find(owner, ref)
            wanted = check_folder_name(name or trashed.name)
            if await self._store.folders.find(owner.id, wanted):
                raise Conflict(
                    f"you have a folder {wanted!r} already: sshore folder trash restore {ref} --as OTHER-NAME"
                )
            folder = await self._store.folders.restore(trashed, wanted)
            try:
                await self._files.restore_folder(trashed, wanted)
            except BaseException:
                await self._store.folders.trash(folder, trashed.trashed_at)
                raise
            return folder

    async def empty(self, owner: User, ref: str = "") -> int:
        """Remove one folder in the trash for ever, or all; how many there were."""
        async with self._changing(owner.id):
            found = [await self._find(owner, ref)] if ref else await self.list(owner)
            self._going.update(trashed.id for trashed in found)
        await self._remove_all(found)
        return len(found)

    async def expire(self) -> None:
        """Remove for ever what has been in the trash for long enough. One that cannot be removed keeps no other, and
        is tried again the next time."""
        now = self._clock.now()
        for trashed in await self._store.trashed_folders.list():
            if self.until(trashed) <= now:
                await self._expire(trashed)

    async def _expire(self, trashed: TrashedFolder) -> None:
        try:
            async with self._changing(trashed.owner_id):
                if all(other.id != trashed.id for other in await self._in_trash(trashed.owner_id)):
                    return  # it has been restored meanwhile, or somebody is removing it
                self._going.add(trashed.id)
            await self._remove_all([trashed])
        except Exception as error:
            reason = error.problem.detail if isinstance(error, SshoreError) else str(error)
            log.error("a folder in the trash could not be removed", extra={"folder": trashed.id, "reason": reason})

    def _changing(self, owner: UserId) -> asyncio.Lock:
        """For one change of an owner's folders at a time; others' go on."""
        return self._owners.setdefault(owner, asyncio.Lock())

    async def _in_trash(self, owner: UserId) -> Sequence[TrashedFolder]:
        return [folder for folder in await self._store.trashed_folders.list(owner) if folder.id not in self._going]

    async def _remove_all(self, taken: Sequence[TrashedFolder]) -> None:
        """Remove what has been put aside in `_going`; what cannot be removed is in the trash again."""
        try:
            for trashed in taken:
                await self._remove(trashed)
        finally:
            self._going.difference_update(trashed.id for trashed in taken)

    async def _remove(self, trashed: TrashedFolder) -> None:
        await self._files.empty_trash(trashed.id)
        await self._store.trashed_folders.remove(trashed.id)

    async def _find(self, owner: User, ref: str) -> TrashedFolder:
        mine = await self.list(owner)
        found = next((trashed for trashed in mine if ref in (trashed.name, trashed.id)), None)
        if found is None:
            known = [trashed.name for trashed in mine]
            raise NotFound(
                f"your trash has no folder {ref!r}{suggestion(ref, known) or '; see: sshore folder trash ls'}"
            )
        return found
