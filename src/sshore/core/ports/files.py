"""The directories of sessions and folders: implemented by `store`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from sshore.core.folders import Folder, TrashedFolder
from sshore.core.ids import FolderId, SessionId, UserId
from sshore.core.sessions import Session
from sshore.core.user_files import UserFile


class SessionFiles(Protocol):
    """The directories of sessions and folders below the state directory.

    Written safely where a session's user could have planted symlinks; owned by the session's uid.

    Raises (every method):
        Unavailable: the disk is full (``storage_full``); what the call had made is gone again.
    """

    def paths(self, session_id: SessionId) -> tuple[Path, Path]:
        """The home and the run directory of a session."""

    async def prepare(
        self,
        session: Session,
        run_files: dict[str, str],
        host_uid: int | None,
        user_files: Sequence[UserFile] = (),
    ) -> None:
        """Make home and run directory, write the run files (0600) and put `id_container` into the home.

        The user files go into a home that is made by this call, and into no other: that is the user's.
        """

    async def write_run_file(self, session_id: SessionId, name: str, text: str, host_uid: int | None) -> bool:
        """Put a run file (0600) in another's place in one step, for the running session, too; false when the
        session has no run directory."""

    async def read_home_file(self, session_id: SessionId, path: str, tail_bytes: int) -> bytes | None:
        """The end of a plain file of the session's user, below the home; None when there is none there.

        No link is followed, nothing that could block is opened.
        """

    async def remove(self, session_id: SessionId) -> None: ...

    async def create_folder(self, owner_id: UserId, name: str, host_uid: int | None) -> Path: ...

    async def remove_folder(self, owner_id: UserId, name: str) -> None: ...

    def folder_path(self, owner_id: UserId, name: str) -> Path:
        """The directory of a folder on the host."""

    async def rename_folder(self, owner_id: UserId, name: str, new_name: str) -> None: ...

    async def trash_folder(self, folder: Folder) -> None:
        """Move a folder's directory into the trash."""

    async def restore_folder(self, trashed: TrashedFolder, name: str) -> None:
        """Move it back, under a name that is free."""

    async def empty_trash(self, folder_id: FolderId) -> None:
        """Remove a trashed folder's directory and all it holds."""

    async def used_bytes(self, owner_id: UserId, trashed: Sequence[FolderId]) -> int:
        """The room that an owner's folders take on the disk, and those in the trash."""

    async def cannot_hold_quotas(self) -> str:
        """Why the kernel holds no quotas on folders here, as a phrase; empty when it does: then they bind sessions."""

    async def hold_quota(
        self, owner_id: UserId, host_uid: int, size_bytes: int | None, trashed: Sequence[FolderId]
    ) -> None:
        """Have the kernel limit what an owner's folders take, the trashed ones included; None takes the limit away."""

    async def cannot_hold_homes(self) -> str:
        """As `cannot_hold_quotas`, of the disk of the homes."""

    async def homes_disk_bytes(self) -> int:
        """The size of that disk."""

    async def hold_home(self, session_id: SessionId, size_bytes: int | None) -> None:
        """Have the kernel limit what a home takes; None takes the limit away. Only where it can. A session of this home
        may run; but not twice at once."""

    async def held_home_bytes(self, session_id: SessionId) -> int | None:
        """The room that a home takes, counted by the kernel; None where it does not count it."""

    async def home_bytes(self, session_id: SessionId) -> int:
        """Likewise, counted file by file."""

    async def held_bytes(self, owner_id: UserId, host_uid: int) -> int | None:
        """The room that an owner's folders take, counted by the kernel; None where it does not count it."""
