"""Storage folders."""

from collections.abc import Sequence

from sshore.core import layout
from sshore.core.errors import Conflict, NotFound
from sshore.core.folders import Folder, FolderAccess
from sshore.core.ids import FolderId, new_id
from sshore.core.names import check_folder_name, suggestion
from sshore.core.ports import Clock, SessionFiles, Store
from sshore.core.sessions import Mount
from sshore.core.users import User


class FolderService:
    """An owner's folders. `runs_as_root`: whether folders belong to the owner's own uid."""

    def __init__(self, store: Store, files: SessionFiles, clock: Clock, *, runs_as_root: bool) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._runs_as_root = runs_as_root

    async def create(self, owner: User, name: str) -> Folder:
        folder = Folder(FolderId(new_id()), owner.id, check_folder_name(name), self._clock.now())
        await self._store.folders.add(folder)
        try:
            await self._files.create_folder(owner.id, name, owner.host_uid if self._runs_as_root else None)
        except BaseException:
            await self._store.folders.remove(folder.id)
            raise
        return folder

    async def list(self, owner: User) -> list[Folder]:
        return await self._store.folders.list(owner.id)

    async def remove(self, owner: User, name: str) -> None:
        """Remove a folder and all it holds.

        Raises:
            NotFound: there is none. Conflict: a session that is not stopped has it mounted.
        """
        folder = await self._find(owner, name)
        for session in await self._store.sessions.list(owner.id):
            mounted = folder.is_user_folder or any(mount.folder == name for mount in session.mounts)
            if mounted and session.state.holds_resources:
                raise Conflict(f"the folder {name!r} is mounted in session {session.name!r}: stop that first")
        await self._files.remove_folder(owner.id, name)
        await self._store.folders.remove(folder.id)

    async def access(self, user: User, ref: str) -> FolderAccess:
        """How a user may use a folder.

        Raises:
            NotFound: there is none that is the user's to know of.
        """
        folder = await self._find(user, ref)
        source = self._files.folder_path(user.id, folder.name)
        host_uid = user.host_uid if self._runs_as_root else None
        return FolderAccess(folder, user.name, source, read_only=False, host_uid=host_uid)

    async def check_mounts(self, owner: User, mounts: Sequence[Mount]) -> None:
        """Refuse mounts of folders that do not exist.

        Raises:
            NotFound: one does not.
        """
        for mount in mounts:
            await self._find(owner, mount.folder)

    async def all_mounts(self, owner: User, mounts: Sequence[Mount]) -> tuple[Mount, ...]:
        """A session's mounts and, before them, the owner's user folders, each in the home under its own name."""
        explicit = {mount.folder for mount in mounts}
        of_user = [
            Mount(folder.name, f"{layout.HOME}/{folder.name}")
            for folder in await self._store.folders.list(owner.id)
            if folder.is_user_folder and folder.name not in explicit
        ]
        return (*of_user, *mounts)

    async def _find(self, owner: User, name: str) -> Folder:
        folder = await self._store.folders.find(owner.id, name)
        if folder is None:
            known = [known.name for known in await self._store.folders.list(owner.id)]
            raise NotFound(
                f"you have no folder {name!r}{suggestion(name, known)}; make it with: sshore folder create {name}"
            )
        return folder
