"""The directories of sessions and folders; implements `core.ports.SessionFiles`.

    <state>/sessions/<id>/home          the session's home, 0700, the session's uid
    <state>/sessions/<id>/run           the platform's own files, 0600, read-only in the session
    <state>/folders/<owner id>/<name>   storage folders
    <state>/trash/<folder id>           removed ones, for some days

The directories above these are the server's, 0711: sessions' uids pass through, and see nothing.
"""

import asyncio
import errno
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sshore.core import layout
from sshore.core.errors import Conflict, QuotaExceeded, Unavailable
from sshore.core.folders import Folder, TrashedFolder
from sshore.core.ids import FolderId, SessionId, UserId
from sshore.core.sessions import Session
from sshore.core.user_files import UserFile
from sshore.store.disk_usage import disk_usage
from sshore.store.project_quotas import ProjectQuotas
from sshore.store.remove_tree import remove_tree
from sshore.store.safe_files import (
    make_directory,
    open_directory,
    read_file_below,
    write_file,
    write_file_below,
)
from sshore.wire.problems import Code

log = logging.getLogger("sshore.store")

_FULL = (errno.ENOSPC, errno.EDQUOT)
_PASSAGE = 0o711
_SKELETON = Path("/etc/skel")


class StateFiles:
    """Sessions' and folders' directories below one state directory."""

    def __init__(self, state: Path) -> None:
        self._sessions = state / "sessions"
        self._folders = state / "folders"
        self._trash = state / "trash"
        self._quotas, self._home_quotas = ProjectQuotas(self._folders), ProjectQuotas(self._sessions)
        for directory in (self._sessions, self._folders):
            make_directory(directory, _PASSAGE, None)

    def paths(self, session_id: SessionId) -> tuple[Path, Path]:
        directory = self._sessions / session_id
        return directory / "home", directory / "run"

    async def prepare(
        self, session: Session, run_files: dict[str, str], host_uid: int | None, user_files: Sequence[UserFile] = ()
    ) -> None:
        with _storage_errors():
            await asyncio.to_thread(self._prepare, session, run_files, host_uid, user_files)

    async def write_run_file(self, session_id: SessionId, name: str, text: str, host_uid: int | None) -> bool:
        with _storage_errors():
            try:
                with open_directory(self.paths(session_id)[1]) as directory:
                    write_file(directory, name, text.encode(), _mode_of(name), host_uid)
            except FileNotFoundError:
                return False
        return True

    async def read_home_file(self, session_id: SessionId, path: str, tail_bytes: int) -> bytes | None:
        return await asyncio.to_thread(read_file_below, self.paths(session_id)[0], path, tail_bytes)

    async def remove(self, session_id: SessionId) -> None:
        await asyncio.to_thread(self._remove, session_id)

    async def create_folder(self, owner_id: UserId, name: str, host_uid: int | None) -> Path:
        with _storage_errors():
            try:
                make_directory(self._folders / owner_id, _PASSAGE, None)
                make_directory(self._folders / owner_id / name, 0o700, host_uid)
            except OSError as error:
                if error.errno in _FULL and self._quotas.is_used_up(host_uid):
                    raise QuotaExceeded(
                        "your allowance of folders is used up: remove something, or empty the trash "
                        "(sshore folder trash empty)",
                        allowance="folders",
                    ) from error
                raise
        return self._folders / owner_id / name

    async def remove_folder(self, owner_id: UserId, name: str) -> None:
        await asyncio.to_thread(remove_tree, self._folders / owner_id / name)

    def folder_path(self, owner_id: UserId, name: str) -> Path:
        return self._folders / owner_id / name

    async def rename_folder(self, owner_id: UserId, name: str, new_name: str) -> None:
        self.folder_path(owner_id, name).rename(self.folder_path(owner_id, new_name))

    async def trash_folder(self, folder: Folder) -> None:
        make_directory(self._trash, 0o700, None)
        self.folder_path(folder.owner_id, folder.name).rename(self._trash / folder.id)

    async def restore_folder(self, trashed: TrashedFolder, name: str) -> None:
        make_directory(self._folders / trashed.owner_id, _PASSAGE, None)
        target = self.folder_path(trashed.owner_id, name)
        if target.exists():  # what only a crash can have left
            raise Conflict(f"there is a directory {target} already: move it away", code=Code.NAME_TAKEN)
        (self._trash / trashed.id).rename(target)

    async def empty_trash(self, folder_id: FolderId) -> None:
        await asyncio.to_thread(remove_tree, self._trash / folder_id)

    async def used_bytes(self, owner_id: UserId, trashed: Sequence[FolderId]) -> int:
        places = [self._folders / owner_id, *(self._trash / folder_id for folder_id in trashed)]
        return await disk_usage([place for place in places if place.exists()])

    async def cannot_hold_quotas(self) -> str:
        return await asyncio.to_thread(self._quotas.why_not)

    async def hold_quota(
        self, owner_id: UserId, host_uid: int, size_bytes: int | None, trashed: Sequence[FolderId]
    ) -> None:
        with _storage_errors():
            await asyncio.to_thread(self._hold_quota, self._folders / owner_id, host_uid, size_bytes, trashed)

    async def held_bytes(self, owner_id: UserId, host_uid: int) -> int | None:
        return await asyncio.to_thread(self._held_bytes, self._folders / owner_id, host_uid)

    async def cannot_hold_homes(self) -> str:
        return await asyncio.to_thread(self._home_quotas.why_not)

    async def homes_disk_bytes(self) -> int:
        disk = await asyncio.to_thread(os.statvfs, self._sessions)
        return disk.f_blocks * disk.f_frsize

    async def hold_home(self, session_id: SessionId, size_bytes: int | None) -> None:
        with _storage_errors():
            await asyncio.to_thread(self._hold_home, self.paths(session_id)[0], size_bytes)

    async def held_home_bytes(self, session_id: SessionId) -> int | None:
        return await asyncio.to_thread(self._held_home_bytes, self.paths(session_id)[0])

    async def home_bytes(self, session_id: SessionId) -> int:
        home = self.paths(session_id)[0]
        return await disk_usage([home] if home.exists() else [])

    def _hold_home(self, home: Path, size_bytes: int | None) -> None:
        project = self._home_quotas.home_project(home)
        if project is None and (size_bytes is None or not home.exists()):
            return
        if project is None:
            project = self._home_quotas.free_home_project()
            # The home itself last: until then it is not complete.
            inside = [Path(entry) for entry in os.scandir(home) if entry.is_dir(follow_symlinks=False)]
            self._home_quotas.assign([*inside, home], project)
        self._home_quotas.limit(project, size_bytes)

    def _held_home_bytes(self, home: Path) -> int | None:
        if self._home_quotas.why_not() or (project := self._home_quotas.home_project(home)) is None:
            return None
        return self._home_quotas.used_bytes(project)

    def _remove(self, session_id: SessionId) -> None:
        project = self._home_quotas.home_project(self.paths(session_id)[0])
        remove_tree(self._sessions / session_id)
        if project is not None:
            with suppress(OSError):  # the kernel remembers a limit that nobody needs
                self._home_quotas.limit(project, None)

    def _hold_quota(self, place: Path, project: int, size_bytes: int | None, trashed: Sequence[FolderId]) -> None:
        if size_bytes is None and not self._quotas.is_assigned(place, project):
            return
        make_directory(place, _PASSAGE, None)
        if not self._quotas.is_assigned(place, project):
            # What the owner has in the trash first, and all folders last: until then it is not complete.
            inside = [*(self._trash / folder_id for folder_id in trashed), *place.iterdir()]
            self._quotas.assign([*inside, place], project)
        self._quotas.limit(project, size_bytes)

    def _held_bytes(self, place: Path, project: int) -> int | None:
        if self._quotas.why_not() or not self._quotas.is_assigned(place, project):
            return None
        return self._quotas.used_bytes(project)

    def _prepare(
        self, session: Session, run_files: dict[str, str], host_uid: int | None, user_files: Sequence[UserFile]
    ) -> None:
        home, run = self.paths(session.id)
        make_directory(home.parent, _PASSAGE, None)
        if make_directory(home, 0o700, host_uid):
            _fill_home(home, host_uid)
            _place_user_files(home, user_files, host_uid)
        make_directory(run, 0o700, host_uid)
        make_directory(run / Path(layout.LINK).name, 0o700, host_uid)
        with open_directory(run) as directory:
            for name, text in run_files.items():
                write_file(directory, name, text.encode(), _mode_of(name), host_uid)
        # Whatever its owner has made of the place, the session starts: the key can be had elsewhere (`sshore key`), and
        # SSH does not need it.
        try:
            _put_key(session, home, host_uid)
        except OSError as error:
            # A home that has reached its own bound is its owner's to tidy, in the session.
            if error.errno in _FULL and not self._home_quotas.is_used_up(self._home_quotas.home_project(home)):
                raise
            log.warning("a session's key is not in its home", extra={"session": session.id, "reason": str(error)})


def _put_key(session: Session, home: Path, host_uid: int | None) -> None:
    with open_directory(home) as directory:
        write_file(directory, layout.KEY_FILE_NAME, session.private_key.encode(), 0o600, host_uid)


def _fill_home(home: Path, host_uid: int | None) -> None:
    """Copy the machine's skeleton (useradd(8)), so that shells have their usual prompt and colours."""
    with open_directory(home) as directory:
        for file in _SKELETON.iterdir() if _SKELETON.is_dir() else ():
            if file.is_file() and not file.is_symlink():
                write_file(directory, file.name, file.read_bytes(), 0o644, host_uid)


def _place_user_files(home: Path, files: Sequence[UserFile], host_uid: int | None) -> None:
    with open_directory(home) as directory:
        for file in files:
            mode = 0o700 if file.executable else 0o600
            write_file_below(directory, file.name, file.content, mode, host_uid)


def _mode_of(run_file: str) -> int:
    return 0o700 if run_file == Path(layout.BOOTSTRAP).name else 0o600


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable(
                "the disk of the server's state directory is full: free some space and try again",
                code=Code.STORAGE_FULL,
            ) from error
        raise
