"""Storage folders: directories that outlive sessions. A *user folder* starts with a dot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath

from sshore.core import layout
from sshore.core.errors import InvalidInput
from sshore.core.ids import FolderId, FolderShareId, UserId
from sshore.core.names import check_folder_name, check_user_name
from sshore.core.sessions import Mount

_FORBIDDEN_TARGETS = (
    *("/proc", "/dev", "/sys", "/run", "/etc", "/usr", layout.KIT),
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
)
_LONGEST_TARGET = 1024


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder. With a `path` it is a directory of the host's that an admin offers, and not of our making."""

    id: FolderId
    owner_id: UserId
    name: str
    created_at: datetime
    path: str = ""

    @property
    def is_user_folder(self) -> bool:
        return self.name.startswith(".")

    def ref(self, owner: str, caller: str) -> str:
        """How a user calls it: by its name or, where it is somebody else's, ``OWNER/NAME``."""
        return self.name if owner == caller else f"{owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class FolderShare:
    """Leave for another user, or for everyone where `user_id` is None."""

    id: FolderShareId
    folder_id: FolderId
    user_id: UserId | None
    read_only: bool


@dataclass(frozen=True, slots=True)
class TrashedFolder:
    """A folder that was removed, and can be had back for some days."""

    id: FolderId
    owner_id: UserId
    name: str
    created_at: datetime
    trashed_at: datetime


@dataclass(frozen=True, slots=True)
class FolderKeys:
    """One user's key, and the host keys that this user meets, for SFTP to a folder over SSH; all private."""

    folder_id: FolderId
    user_id: UserId
    private_key: str = field(repr=False)
    host_private_key: str = field(repr=False)
    further_host_keys: tuple[str, ...] = field(repr=False)


def parse_mount(text: str) -> Mount:
    """Read ``FOLDER[:PATH][:ro]``; without a path the folder lies in the home under its own name.

    Raises:
        InvalidInput: it is malformed, or the path is one that the session itself needs.
    """
    folder, *rest = text.split(":")
    read_only = bool(rest) and rest[-1] in ("ro", "rw")
    mode = rest.pop() if read_only else "rw"
    if len(rest) > 1 or not folder:
        raise InvalidInput(f"{text!r} is no mount: write FOLDER[:PATH][:ro]", field="mounts")
    return make_mount(folder, rest[0] if rest else "", read_only=mode == "ro")


def check_folder_ref(ref: str) -> tuple[str, str]:
    """Owner (empty for one's own) and name of ``NAME`` or ``OWNER/NAME``.

    Raises:
        InvalidInput: it is neither.
    """
    owner, slash, name = ref.rpartition("/")
    if slash:
        check_user_name(owner)
    return owner, check_folder_name(name)


def make_mount(folder: str, target: str = "", *, read_only: bool = False) -> Mount:
    """A mount with its target made absolute and checked.

    Raises:
        InvalidInput: the folder's name or the target cannot be.
    """
    name = check_folder_ref(folder)[1]
    if len(target) > _LONGEST_TARGET:
        raise InvalidInput(f"a folder is mounted at a path of {_LONGEST_TARGET} characters at most", field="mounts")
    path = PurePosixPath(layout.HOME, target or name)
    if ".." in path.parts or str(path) in ("/", layout.HOME, "/home") or "\0" in target or "\n" in target:
        raise InvalidInput(f"a folder cannot be mounted at {target!r}: name a directory below the home", field="mounts")
    if any(path.is_relative_to(place) for place in _FORBIDDEN_TARGETS):
        raise InvalidInput(f"a folder cannot be mounted at {path}: the session needs that place", field="mounts")
    return Mount(folder, str(path), read_only)


@dataclass(frozen=True, slots=True)
class FolderAccess:
    """What a user may do with a folder, and as whom the host sees it done.

    `host_uid` is the uid of a program that is confined to the folder; None where the server is not root. `disk_uid`
    is whose its files are on the disk, where they are to be the session's own wherever the folder is mounted.
    """

    folder: Folder
    owner: str
    source: Path
    read_only: bool
    host_uid: int | None
    disk_uid: int | None = None


class FolderApp(StrEnum):
    """What a folder stream leads to: a program confined to the folder, with no session."""

    SFTP = "sftp"
    """`sftp-server` itself, without SSH: the stream is authorised, and protected as the server's connection is."""
    SSH = "ssh"
    """`sshd -i` that allows nothing but SFTP, for clients that need SSH on a port."""
    CHECK = "check"
    """Sizes and checksums of files, one JSON line each way; see `agent.check_files`."""


@dataclass(frozen=True, slots=True)
class FolderView:
    """A folder as a confined program gets it: everything that a `core.ports.FolderServer` is told.

    `source` is the host's directory, which lies at `target` inside; `offered`: it is an admin's, see `BindMount`.
    `room_bytes` is how much may still be written; None where there is no quota. `run_files` are the platform's own
    files by name, for SSH.
    """

    name: str
    source: Path
    kit: Path
    user_id: UserId
    read_only: bool = False
    host_uid: int | None = None
    room_bytes: int | None = None
    offered: bool = False
    run_files: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The place that it has in sessions by default, so that absolute links into it hold."""
        return f"{layout.HOME}/{self.name}"
