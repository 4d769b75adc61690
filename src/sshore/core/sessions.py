"""The session, and what an engine is told about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sshore.core.choices import KeyType, Network
from sshore.core.errors import InvalidInput
from sshore.core.ids import SessionId, TokenId, UserId
from sshore.core.names import format_bytes
from sshore.core.states import SessionState
from sshore.core.ulimits import Ulimit

MOST_PIDS = 4096
"""Processes and threads of a session that has no limit of its own: about what systemd lets a user's log-in have."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Limits; None means no limit of its own, and nothing reserved."""

    cpus: float | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    gpus: int = 0
    shm_bytes: int | None = None
    """Of /dev/shm."""
    disk_bytes: int | None = None
    """What the session may write beside its home and folders: into the image's own places."""
    ulimits: tuple[Ulimit, ...] = ()

    def __post_init__(self) -> None:
        if self.cpus is not None and not 0.01 <= self.cpus <= 4096:
            raise InvalidInput(f"{self.cpus:g} CPUs make no session: give 0.01 to 4096", field="cpus")
        if self.memory_bytes is not None and self.memory_bytes < 32 << 20:
            raise InvalidInput("a session needs at least 32m of memory", field="memory_bytes")
        if self.pids is not None and self.pids < 16:
            raise InvalidInput("a session needs at least 16 processes", field="pids")
        if self.gpus < 0:
            raise InvalidInput("the number of GPUs cannot be negative", field="gpus")
        if self.shm_bytes is not None and self.shm_bytes < 1 << 16:
            raise InvalidInput("shared memory of less than 64k is of no use", field="shm_bytes")
        if self.shm_bytes and self.memory_bytes and self.shm_bytes > self.memory_bytes:
            raise InvalidInput("what is in shared memory is in memory: it cannot be more than that", field="shm_bytes")
        if self.disk_bytes is not None and self.disk_bytes < 16 << 20:
            raise InvalidInput("a session needs at least 16m of disk", field="disk_bytes")
        if len({ulimit.name for ulimit in self.ulimits}) < len(self.ulimits):
            raise InvalidInput("one ulimit is given twice: leave one of them out", field="ulimits")


@dataclass(frozen=True, slots=True)
class Mount:
    """A storage folder in a session; `target` is absolute, below the home unless the user chose otherwise.

    `live`: false where a running session does not have it mounted, but will from its next start on. `kept`: false where
    it has it mounted, and will not any more when it is started again.
    """

    folder: str
    target: str
    read_only: bool = False
    live: bool = True
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is stored. `reason` explains PENDING and FAILED to the owner."""

    id: SessionId
    owner_id: UserId
    name: str
    state: SessionState
    created_at: datetime
    engine: str
    image: str = ""
    reason: str = ""
    resources: Resources = field(default_factory=Resources)
    network: Network = Network.NAT
    key_type: KeyType = KeyType.ED25519
    mounts: tuple[Mount, ...] = ()
    launched: tuple[str, ...] = ()
    """Apps that are launched, or will be when the session starts again."""
    started_at: datetime | None = None
    agent_token_hash: str = ""
    private_key: str = ""
    """The session key in OpenSSH form (PEM)."""
    host_private_key: str = ""
    """Of Ed25519."""
    further_host_keys: tuple[str, ...] = ()
    """Private ones of other types; see `core.keys.further_host_keys`."""
    host_key_fingerprint: str = ""
    idle_timeout_s: float | None = None
    """It stops after so long without activity (`core.activity`); None means never."""
    ttl_s: float | None = None
    """It stops so long after its start; None means never."""
    root: bool = False
    """`work` has uid 0 in the session, and only there."""
    entrypoint: bool = False
    """The image's own entrypoint runs beside the session."""
    image_id: str = ""
    """Of the image that it was started from; `image` is but a name, and may come to mean another one."""
    image_digest: str = ""
    """What to say for that image wherever its registry is: ``debian@sha256:…``; empty for one that is only here."""
    previous_image_id: str = ""
    """Of the image of the start before, where that was another one."""


@dataclass(frozen=True, slots=True)
class BindMount:
    """A directory of the host in a session; both paths are absolute.

    `disk_uid`: what this uid (and gid) owns on the disk is in the session `work`'s own, and what `work` makes there
    is this uid's on the disk. None: as it is. `offered`: it is none of ours, so that others may change what lies on
    the way to it; no link there is followed.
    """

    source: Path
    target: str
    read_only: bool = False
    disk_uid: int | None = None
    offered: bool = False


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What an engine is told: everything it needs, and nothing that it must look up.

    `home`, `run`, `link` and `kit` are directories of the host, which become the places of
    `sshore.core.layout` inside. `host_uid` is the uid (and gid) on the host that the session's
    processes get; None when the server is not root, and everything has the server's own uid.
    """

    id: SessionId
    name: str
    home: Path
    run: Path
    link: Path
    kit: Path
    host_uid: int | None = None
    image: str = ""
    resources: Resources = field(default_factory=Resources)
    network: Network = Network.NAT
    mounts: tuple[BindMount, ...] = ()
    root: bool = False
    """`work` has uid 0 inside; what it makes in the home and in folders is `host_uid`'s outside."""
    entrypoint: bool = False
    """The image's entrypoint is to run; whoever writes the run files sees to it."""
    for_admin: bool = False
    """Whether the owner is an administrator."""
    owner_id: UserId | None = None
    """Whose committed images its `image` may name."""
    image_id: str = ""
    """What `image` was found to be; empty before."""
    shell: str = ""
    """The login shell that its owner wishes, by name or place; see `core.logins`."""
    late_variables: bool = False
    """Whether its logins have variables that sshd cannot set."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image says of the programs in it: variables for logins, the command that it is made for (empty without
    one), and the directory that this starts in. `left_out`: its variables that no program can have, by their names,
    and why, as phrases. `id` and `digest` are those of `core.images.Image`."""

    environment: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    working_dir: str = ""
    id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class MemoryKills:
    """How many of a session's programs the kernel has ended, in this run, because the session's memory was used up;
    and the last one's name and time, as far as they are known."""

    count: int = 0
    program: str = ""
    at: datetime | None = None


NO_KILLS = MemoryKills()


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an engine has in all; None for a resource that it does not limit."""

    cpus: float | None
    memory_bytes: int | None
    gpus: int = 0


class RunState(StrEnum):
    RUNNING = "running"
    EXITED = "exited"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class EngineState:
    """What an engine says of a session; `reason` is a phrase for the owner when it has exited."""

    run_state: RunState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StreamGrant:
    """Leave to open one stream: to which session, and for whom. It ends when the token is revoked.

    Where the stream leads to a folder, `session_id` is the folder's id, and `folder` is how its user calls it.
    """

    session_id: SessionId
    user: str
    user_id: UserId | None = None
    token_id: TokenId | None = None
    folder: str = ""
    session: str = ""
    """The session's name, for the record."""
    host_key: str = ""
    """The session's, where the stream leads to its SSH: one line."""
    further_host_keys: tuple[str, ...] = ()
    """Its public ones of other types, likewise."""
    most: int | None = None
    """How many streams its user may have open."""


@dataclass(frozen=True, slots=True)
class LinkGrant:
    """Leave to park a link: of which session, and whose; `most` is how many it may have parked."""

    session_id: SessionId
    owner_id: UserId
    most: int | None = None


@dataclass(frozen=True, slots=True)
class LoginCertificate:
    """What `ssh` needs beside a stream: a certificate of minutes, the CA that the session's host key is signed by, the
    name that it is signed for, that key itself and those of other types. All but the name are one line each."""

    certificate: str
    host_ca: str
    name: str
    host_key: str
    further_host_keys: tuple[str, ...] = ()


def shortage(wanted: Resources, capacity: Capacity, held: list[Resources]) -> str:
    """What a session waits for, as a phrase; empty when it fits beside those that hold resources."""
    used_cpus = sum(other.cpus or 0 for other in held)
    used_memory = sum(other.memory_bytes or 0 for other in held)
    used_gpus = sum(other.gpus for other in held)
    missing = []
    if wanted.cpus and capacity.cpus is not None and used_cpus + wanted.cpus > capacity.cpus:
        free = max(capacity.cpus - used_cpus, 0)
        missing.append(
            f"{wanted.cpus:g} {'CPU' if wanted.cpus == 1 else 'CPUs'} ({free:g} of {capacity.cpus:g} are free)"
        )
    if (
        wanted.memory_bytes
        and capacity.memory_bytes is not None
        and used_memory + wanted.memory_bytes > capacity.memory_bytes
    ):
        sizes = wanted.memory_bytes, max(capacity.memory_bytes - used_memory, 0), capacity.memory_bytes
        size, free_size, all_of_it = map(format_bytes, sizes)
        missing.append(f"{size} of memory ({free_size} of {all_of_it} are free)")
    if wanted.gpus and used_gpus + wanted.gpus > capacity.gpus:
        free_gpus = max(capacity.gpus - used_gpus, 0)
        missing.append(
            f"{wanted.gpus} {'GPU' if wanted.gpus == 1 else 'GPUs'} ({free_gpus} of {capacity.gpus} are free)"
        )
    return " and ".join(missing)
