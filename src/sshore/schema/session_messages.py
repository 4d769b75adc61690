"""Sessions: what one is asked to be, and how it is. Times are ISO 8601 in UTC; sizes are bytes."""

from dataclasses import dataclass, field

from sshore.core.choices import KeyType, Network
from sshore.core.states import SessionState


@dataclass(frozen=True, slots=True)
class UlimitMessage:
    """A limit of each process (getrlimit(2)); -1 is unlimited."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class ResourcesMessage:
    """Limits; None means none of its own."""

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
class HomeMessage:
    """What a session's home holds (None: that takes too long to count), and may by its owner's allowance. `not_held`:
    why the kernel does not bound it; then a session that holds more than it may is not started again."""

    used_bytes: int | None
    most_bytes: int
    not_held: str = ""


@dataclass(frozen=True, slots=True)
class CreateSession:
    """What a session is asked to be; what is empty or None is the user's setting."""

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
class ChangeSession:
    """New limits in time; None leaves one as it is, 0 removes it."""

    idle_timeout_s: float | None = None
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True)
class AppMessage:
    """An app of a session; `connections` counts open streams."""

    name: str
    title: str
    launched: bool
    connections: int = 0


@dataclass(frozen=True, slots=True)
class ActivityMessage:
    """What a running session has done: the last bytes that counted, CPU seconds of the last minute, the last sign
    of life; and when and why it will stop, if it will."""

    moved_bytes: int
    moved_at: str | None
    cpu_s: float
    active_at: str
    stops_at: str | None = None
    stop_reason: str = ""


@dataclass(frozen=True, slots=True)
class PullMessage:
    """How far a pull is. The totals grow while it finds out what there is to do."""

    image: str
    layers: int = 0
    layers_done: int = 0
    done_bytes: int = 0
    total_bytes: int = 0


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
    """Likewise, and where it has just been started: what its owner should know, such as of keys in its home that let
    nobody in, of variables of its image that are left out, of a login shell that is not there."""
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
    home: HomeMessage | None = None
    """Of one session that is asked for by name, where its home is bounded."""
