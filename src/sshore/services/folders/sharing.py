"""Folders for others: shared by their owners, or directories of the host that an admin offers."""

import os
from pathlib import Path

from sshore.core.errors import Conflict, InvalidInput, NotFound
from sshore.core.folders import Folder, FolderShare
from sshore.core.ids import FolderId, FolderShareId, UserId, new_id
from sshore.core.names import check_folder_name, suggestion
from sshore.core.ports import Clock, FolderServer, Store
from sshore.core.users import User
from sshore.services.folders.folders import FolderService, Revoked
from sshore.services.people.accounts import require_admin

_NEVER_OFFERED = ("/", "/proc", "/sys", "/dev", "/run", "/etc", "/root", "/boot")


class FolderSharing:
    """`state`: the server's own directory, which is nobody else's."""

    def __init__(
        self,
        store: Store,
        folders: FolderService,
        server: FolderServer,
        clock: Clock,
        state: Path,
    ) -> None:
        self._store = store
        self._folders = folders
        self._server = server
        self._clock = clock
        self._state = state

    async def share(self, owner: User, name: str, with_user: str, *, read_only: bool) -> None:
        """Share a folder with a user, or with everyone (an empty name); what was shared before is changed.

        Raises:
            NotFound: there is no such folder or user. InvalidInput: the user is the owner, or it is a user folder.
            Conflict: this machine cannot.
        """
        folder = await self._folders.own(owner, name)
        if folder.is_user_folder:
            raise InvalidInput(f"{name!r} is a user folder, which is part of your homes: it cannot be shared")
        whom = await self._whom(owner, with_user)
        access = await self._folders.access(owner, name)
        if not folder.path and access.host_uid is not None and (why := await self._server.cannot_map(access.source)):
            raise Conflict(f"folders cannot be shared here, because each user has a uid of its own and {why}")
        await self._store.folder_shares.put(FolderShare(FolderShareId(new_id()), folder.id, whom, read_only))
        await self._folders.enforce_shares(folder, owner.name)

    async def unshare(self, owner: User, name: str, with_user: str) -> Revoked:
        """Take it back, at once: connections end, running sessions lose it.

        Raises:
            NotFound: there is no such folder or user, or it is not shared so.
        """
        folder = await self._folders.own(owner, name)
        whom = await self._whom(owner, with_user)
        if not await self._store.folder_shares.remove(folder.id, whom):
            raise NotFound(f"the folder {name!r} is not shared with {with_user or 'everyone'}; see: sshore folder ls")
        return await self._folders.enforce_shares(folder, owner.name)

    async def offer(self, admin: User, name: str, path: str, *, read_only: bool) -> Folder:
        """Offer a directory of the host to everyone. What users may do in it, its owners and modes on the host say.

        Raises:
            Forbidden: the caller is no admin. InvalidInput: the directory cannot be offered.
        """
        require_admin(admin)
        directory = self._offerable(path)
        folder = Folder(FolderId(new_id()), admin.id, check_folder_name(name), self._clock.now(), str(directory))
        if folder.is_user_folder:
            raise InvalidInput("a user folder cannot be offered: choose a name that does not start with a dot")
        await self._store.folders.add(folder)
        await self._store.folder_shares.put(FolderShare(FolderShareId(new_id()), folder.id, None, read_only))
        return folder

    def _offerable(self, path: str) -> Path:
        if not path.startswith("/") or "\0" in path or "\n" in path or not Path(path).is_dir():
            raise InvalidInput(f"{path!r} is no directory of the server's machine: give its absolute path")
        directory = Path(os.path.realpath(path))
        state = Path(os.path.realpath(self._state))
        if directory.is_relative_to(state) or state.is_relative_to(directory):
            raise InvalidInput(f"{directory} holds the server's own files: it cannot be offered")
        for place in map(Path, _NEVER_OFFERED):
            if directory == place or (place != Path("/") and directory.is_relative_to(place)):
                raise InvalidInput(f"{directory} is the system's own: it cannot be offered")
        return directory

    async def _whom(self, owner: User, name: str) -> UserId | None:
        if not name:
            return None
        if name == owner.name:
            raise InvalidInput("the folder is yours already: share it with somebody else")
        user = await self._store.users.by_name(name)
        if user is None:
            # Who else is here is not for everyone to know; only a likely slip is pointed out.
            known = [one.name for one in await self._store.users.list()] if owner.role.value == "admin" else []
            raise NotFound(f"there is no user {name!r}{suggestion(name, known)}")
        return user.id
