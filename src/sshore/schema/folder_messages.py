"""Folders: shares, the trash, usage and quotas, keys for SFTP."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CreateFolder:
    name: str


@dataclass(frozen=True, slots=True)
class RenameFolder:
    name: str


@dataclass(frozen=True, slots=True)
class OfferFolder:
    """A directory of the server's machine, for everyone; for admins."""

    name: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ShareFolder:
    """Share with a user, or with everyone (an empty name)."""

    user: str = ""
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class FolderMessage:
    """A folder that the caller can use; `ref` is how the caller calls it: ``NAME``, or ``OWNER/NAME``."""

    name: str
    created_at: str
    ref: str = ""
    owner: str = ""
    read_only: bool = False
    shared_with: list[ShareFolder] = field(default_factory=list)
    """Only the owner sees this, and an offered directory's path."""
    offered_path: str = ""
    id: str = ""
    """What streams find it by under any name."""


@dataclass(frozen=True, slots=True)
class UnsharedMessage:
    """From so many running sessions the folder was taken away; so many of them had to be stopped for that."""

    sessions: int
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class RestoreFolder:
    """An empty name means the folder's own."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class TrashedFolderMessage:
    id: str
    name: str
    trashed_at: str
    removed_at: str


@dataclass(frozen=True, slots=True)
class EmptiedMessage:
    """How many folders are removed for ever."""

    removed: int


@dataclass(frozen=True, slots=True)
class FolderUsageMessage:
    """What an owner's folders and trash hold; without `quota_bytes` there is no limit.

    `not_held`: why the kernel does not hold the quota, which is then that of uploads to folders alone.
    """

    owner: str
    used_bytes: int
    quota_bytes: int | None = None
    not_held: str = ""


@dataclass(frozen=True, slots=True)
class SetFolderQuota:
    """Without `quota_bytes` there is no limit."""

    quota_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class FolderKeyMessage:
    """What SFTP to a folder needs over SSH: the caller's private key, and the host key that will be met; with
    ``?host_keys=all`` the further ones, too."""

    folder_id: str
    ref: str
    path: str
    private_key: str
    public_key: str
    host_key: str
    host_key_fingerprint: str
    further_host_keys: list[str] = field(default_factory=list)
