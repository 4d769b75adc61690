"""Requests and answers of ``/api/v1``. Times are ISO 8601 in UTC; sizes are bytes."""

from dataclasses import dataclass, field

from sshore.core.sessions import KeyType, Network
from sshore.core.states import SessionState
from sshore.core.users import Role, Scope
from sshore.schema.activity_messages import ActivityMessage
from sshore.schema.folder_messages import ShareFolder
from sshore.schema.image_messages import PullMessage


@dataclass(frozen=True, slots=True)
class UlimitMessage:
    """A limit of each process (getrlimit(2)); -1 is unlimited."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class ResourcesMessage:
    cpus: float | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    gpus: int = 0
    shm_bytes: int | None = None
    disk_bytes: int | None = None
    ulimits: list[UlimitMessage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MemoryKillsMessage:
    """Programs that the kernel has ended since the session started, because its memory was used up; the last one's
    name and time, where the server can know them."""

    count: int
    program: str = ""
    at: str | None = None


@dataclass(frozen=True, slots=True)
class MountMessage:
    """A folder in a session; an empty `target` means the folder's name below the home. Not `live`: a running session
    has it from its next start on. Not `kept`: a running session has it until it stops. `missing`: why the folder cannot
    be had, as a phrase: ``no longer shared``, ``in the trash``, ``removed``; the session starts without it."""

    folder: str
    target: str = ""
    read_only: bool = False
    live: bool = True
    kept: bool = True
    missing: str = ""


@dataclass(frozen=True, slots=True)
class CreateSession:
    name: str
    engine: str = ""
    image: str = ""
    resources: ResourcesMessage = field(default_factory=ResourcesMessage)
    network: Network | None = None
    key_type: KeyType | None = None
    mounts: list[MountMessage] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)
    """Apps to launch as soon as the session starts."""
    idle_timeout_s: float | None = None
    """It stops after so long without activity; 0 is never, None is the user's setting."""
    ttl_s: float | None = None
    """It stops so long after its start; 0 and None are never."""
    root: bool = False
    """`work` has uid 0 inside, for those whom the administrator allows it."""
    entrypoint: bool = False
    """The image's entrypoint runs beside SSH."""


@dataclass(frozen=True, slots=True)
class AppMessage:
    name: str
    title: str
    launched: bool
    connections: int = 0


@dataclass(frozen=True, slots=True)
class SessionMessage:
    """A session; `linked` says whether its agent is in touch, `reason` why it waits or has failed."""

    id: str
    name: str
    owner: str
    state: SessionState
    reason: str
    engine: str
    image: str
    network: Network
    key_type: KeyType
    resources: ResourcesMessage
    mounts: list[MountMessage]
    launched: list[str]
    linked: bool
    host_key_fingerprint: str
    created_at: str
    started_at: str | None = None
    idle_timeout_s: float | None = None
    ttl_s: float | None = None
    activity: ActivityMessage | None = None
    root: bool = False
    entrypoint: bool = False
    entrypoint_state: str = ""
    """A phrase, of one session that runs and is asked for by name: ``runs``, ``ended with exit status 1, after 3 s``"""
    notes: list[str] = field(default_factory=list)
    """Likewise: what its owner should know, such as of keys in its home that let nobody in."""
    memory_kills: MemoryKillsMessage | None = None
    """Likewise; None where there were none."""
    image_id: str = ""
    """Of the image that it was started from; `image` is but a name, which may come to mean another."""
    image_digest: str = ""
    """What to say for that image wherever its registry is; empty for one that is only here."""
    previous_image_id: str = ""
    """Of the image of the start before, where that was another one."""
    pull: PullMessage | None = None
    """How far the pull of its image is, while there is one."""


@dataclass(frozen=True, slots=True)
class SessionKeyMessage:
    """The session key: `private_key` in OpenSSH form, `public_key` and `host_key` as authorized_keys lines.

    `further_host_keys`: the session's of other types, for clients that do not know Ed25519.
    """

    session_id: str
    name: str
    private_key: str
    public_key: str
    host_key: str
    further_host_keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A public key (one authorized_keys line) to be certified for one session."""

    public_key: str


@dataclass(frozen=True, slots=True)
class CertificateMessage:
    session_id: str
    name: str
    certificate: str
    valid_until: str
    host_key: str = ""
    """The session's, one line: what it shows to clients that ask for no certificate."""
    further_host_keys: list[str] = field(default_factory=list)
    """Those of other types."""


@dataclass(frozen=True, slots=True)
class TrustMessage:
    """What a client needs to verify every session: the host CA's public key, one line."""

    host_ca: str


@dataclass(frozen=True, slots=True)
class UserMessage:
    name: str
    role: Role
    settings: dict[str, str] = field(default_factory=dict)
    disabled: bool = False
    has_password: bool = False
    oidc_subject: str = ""


@dataclass(frozen=True, slots=True)
class CreateUser:
    name: str
    role: Role = Role.MEMBER


@dataclass(frozen=True, slots=True)
class CreateToken:
    """A token for `user` (admins only; empty means the caller); without `expires_in_s` it does not expire."""

    name: str = ""
    user: str = ""
    expires_in_s: float | None = None
    scope: Scope = Scope.ALL


@dataclass(frozen=True, slots=True)
class TokenMessage:
    """A token; `secret` is given once, when it is made."""

    id: str
    name: str
    created_at: str
    expires_at: str | None = None
    secret: str | None = None
    scope: Scope = Scope.ALL
    last_used_at: str | None = None


@dataclass(frozen=True, slots=True)
class SettingMessage:
    """A user setting; `value` is empty where the default holds. `warning` is said when it was set."""

    name: str
    title: str
    value: str
    default: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class SetSetting:
    value: str


@dataclass(frozen=True, slots=True)
class CreateFolder:
    name: str


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
class VersionMessage:
    version: str
    engines: list[str]
    kit: str
    oidc: bool = False
    """Whether users can log in at an OpenID Connect provider."""
