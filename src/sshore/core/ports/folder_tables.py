"""What the database keeps of folders: `Store`'s tables, implemented by `store`."""

from datetime import datetime
from typing import Protocol

from sshore.core.folders import Folder, FolderKeys, FolderShare, TrashedFolder
from sshore.core.ids import FolderId, UserId


class Folders(Protocol):
    async def add(self, folder: Folder) -> None:
        """Raises Conflict (``name_taken``) when the owner has one of that name."""

    async def find(self, owner_id: UserId, name: str) -> Folder | None: ...

    async def get(self, folder_id: FolderId) -> Folder | None: ...

    async def list(self, owner_id: UserId) -> list[Folder]: ...

    async def remove(self, folder_id: FolderId) -> None: ...

    async def rename(self, folder_id: FolderId, name: str) -> None:
        """Raises Conflict (``name_taken``) when the owner has one of that name."""

    async def trash(self, folder: Folder, at: datetime) -> None:
        """In place of the folder and its shares there is a trashed one, in one step."""

    async def restore(self, trashed: TrashedFolder, name: str) -> Folder:
        """The other way. Raises Conflict as `rename` does."""


class FolderShares(Protocol):
    async def put(self, share: FolderShare) -> None:
        """Store a share, in the place of the one for the same user."""

    async def of_folder(self, folder_id: FolderId) -> list[FolderShare]: ...

    async def with_user(self, user_id: UserId) -> list[tuple[Folder, FolderShare]]:
        """What others share with a user, or with everyone."""

    async def remove(self, folder_id: FolderId, user_id: UserId | None) -> bool:
        """Whether there was one."""


class TrashedFolders(Protocol):
    async def list(self, owner_id: UserId | None = None) -> list[TrashedFolder]:
        """An owner's, or all; the latest first."""

    async def remove(self, folder_id: FolderId) -> None: ...


class FolderKeyTable(Protocol):
    async def get(self, folder_id: FolderId, user_id: UserId) -> FolderKeys | None: ...

    async def add(self, keys: FolderKeys) -> None:
        """Raises Conflict when there are some already."""
