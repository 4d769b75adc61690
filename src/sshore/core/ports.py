"""The interfaces that services need, and what the adapters that implement them promise.

Engine          where sessions run                 engines/*
ImageStore      the images of an engine            engines/docker
Links           calls to a session's agent         gateway
Store           users, tokens, sessions, folders   store
SessionFiles    directories of sessions            store
FolderServer    programs confined to a folder      engines/sandbox
OpenStreams     the streams that are open          gateway
StreamJournal   is told of each stream             services
PasswordHasher  passwords, hashed                  store
IdentityProvider  logins at a provider             oidc
Clock           the time                           server
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from pathlib import Path
from socket import socket as Socket
from typing import Any, Protocol

from sshore.core.activity import LastActivity
from sshore.core.audit import StreamEnd, StreamFilter, StreamRecord
from sshore.core.folders import (
    Folder,
    FolderApp,
    FolderKeys,
    FolderShare,
    FolderView,
    TrashedFolder,
)
from sshore.core.ids import FolderId, OwnKeyId, SessionId, StreamId, TokenId, UserId
from sshore.core.images import Image, Progress, PullProgress, RegistryLogin
from sshore.core.own_keys import OwnKey
from sshore.core.sessions import (
    BindMount,
    Capacity,
    EngineState,
    ImageFacts,
    MemoryKills,
    Session,
    SessionSpec,
    StreamGrant,
)
from sshore.core.user_files import Bootstrap, FileEntry, UserFile
from sshore.core.users import ProvedIdentity, Token, User


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC and aware of it."""


class Engine(Protocol):
    """Where sessions run. Every verb is idempotent by session id and safe to cancel: a cancelled
    `start` leaves nothing running.

    An engine's sessions outlive the server: after a restart, `list` and `inspect` know them again.
    """

    @property
    def name(self) -> str:
        """The glossary's word: ``sandbox``, ``docker``, ``slurm``."""

    async def check(self, spec: SessionSpec) -> None:
        """Refuse what this engine could never run, before anything is made.

        Raises:
            InvalidInput: an image, a network or a limit that cannot be; a limit that cannot be enforced
                here is refused by name (code ``limit_unsupported``), never ignored.
            Forbidden: the owner may not have root in sessions here (code ``root_not_allowed``).
            EngineFailed: something the engine needs is missing on this machine; says how to install it.
        """

    async def fetch_image(self, spec: SessionSpec, progress: Progress) -> ImageFacts:
        """Get the session's image where it is not here yet, and return what it says of itself; nothing where the
        engine has no images. `progress` is told how far a pull is, a few times a second.

        Raises:
            NotFound: there is no such image. EngineFailed: it cannot be had, or does not run here.
        """

    async def start(self, spec: SessionSpec) -> None:
        """Start a session's processes, the agent first; return when they run (not when it has linked).

        Does nothing when the session runs already.

        Raises:
            EngineFailed: it did not start; nothing of it is left.
        """

    async def stop(self, session_id: SessionId, grace_s: float) -> None:
        """End all processes of a session: asked at first, killed after `grace_s`. Returns when none is left."""

    async def remove(self, session_id: SessionId) -> None:
        """Stop it at once and forget everything about it."""

    async def inspect(self, session_id: SessionId) -> EngineState:
        """What has become of a session: running, exited (and why), or absent."""

    async def wait(self, session_id: SessionId) -> EngineState:
        """Return when the session no longer runs; at once when it does not. Works for adopted sessions, too."""

    async def list(self) -> list[SessionId]:
        """The sessions of which this engine has processes or leftovers."""

    async def capacity(self) -> Capacity:
        """What the engine has in all."""

    async def aclose(self) -> None:
        """Let go of the engine's own resources; sessions go on."""

    async def cpu_times_s(self) -> dict[SessionId, float]:
        """CPU seconds that each running session's processes have used since it started, those that have ended
        included, as far as the engine can tell."""

    async def memory_kills(self, session_id: SessionId) -> MemoryKills:
        """Which of a running session's programs have been ended for want of memory; none when it does not run."""

    async def mount(self, session_id: SessionId, mount: BindMount, host_uid: int | None) -> None:
        """Mount a directory in a running session, whose uid on the host is `host_uid`; nothing happens where it is
        mounted there already.

        Raises:
            Conflict: the engine cannot, here (``live_mount_unsupported``): the session must be started anew. Or
                something else lies at the target. EngineFailed: the directory is not there.
        """

    async def unmount(self, session_id: SessionId, mount: BindMount, *, everywhere: bool, by_force: bool) -> bool:
        """Take a directory away from a running session: at the mount's target or, `everywhere`, each mount of it.
        Nothing happens where it is not mounted, or the session does not run.

        Whether processes still have files open there, which they keep until they close them. `by_force` ends those
        that have; where the answer is yes even so, it is mounted still, and goes with the session alone.

        Raises:
            Conflict: the engine cannot, here (``live_mount_unsupported``).
        """

    async def log(self, session_id: SessionId, tail_bytes: int) -> bytes:
        """The end of what the session's agent and daemons wrote; empty when there is nothing."""


class ImageStore(Protocol):
    """The images of an engine that has them, beside its `Engine`. An owner's committed images are nobody else's: by
    no name and no id.

    Raises (every method):
        Unavailable: the engine does not answer. EngineFailed: it could not.
    """

    @property
    def patterns(self) -> Sequence[str]:
        """What the administrator lets users name (fnmatch(3)); all when empty."""

    async def find(self, name: str, owner_id: UserId) -> Image | None:
        """What a user who says this name or id means, if it is here; the user's own images first."""

    def pull(self, name: str) -> AsyncIterator[PullProgress]:
        """Get an image, or its newest version, from its registry; tells how far it is, a few times a second. Ends when
        it is here.

        Raises:
            Forbidden: the administrator's patterns leave it out. NotFound: there is no such image.
            EngineFailed: its registry wants a login (``registry_login``), or it does not run on this machine.
        """

    async def commit(self, session: Session, name: str, *, pause: bool) -> Image:
        """Keep what a session has changed, without its home and what is mounted, as an image of its owner's, in the
        place of the owner's that has this name. `pause`: its processes stand still meanwhile.

        Raises:
            Forbidden: the administrator does not allow it. Conflict: nothing is left of the session's last run.
        """

    async def remove(self, image: Image) -> None:
        """Forget a name and, when it was the last one, the image.

        Raises:
            Conflict: a session was made from it.
        """

    async def log_in(self, registry: str, username: str, password: str) -> None:
        """Show this to a registry from now on, if it accepts it.

        Raises:
            EngineFailed: it does not (``registry_login``).
        """

    async def log_out(self, registry: str) -> bool:
        """Whether there was such a login."""

    async def logins(self) -> list[RegistryLogin]:
        """What registries are shown; never a password."""

    async def list(self) -> list[Image]:
        """All that are here, by each of their names."""


class Links(Protocol):
    """The parked links of the sessions' agents."""

    def is_linked(self, session_id: SessionId) -> bool:
        """Whether an agent of the session has a link parked now."""

    async def wait_linked(self, session_id: SessionId) -> None:
        """Return as soon as one is parked. Without a time limit: the caller sets one."""

    async def call(self, session_id: SessionId, call: str, **arguments: Any) -> dict[str, Any]:
        """Make a call over a parked link and return the reply.

        Raises:
            Unavailable: no link was parked within the gateway's patience, or the agent fell silent (``no_link``).
            SshoreError: the agent refused; has the agent's code.
        """

    def drop(self, session_id: SessionId) -> None:
        """Close all links and streams of a session that is no more."""


class Users(Protocol):
    async def add(self, user: User) -> None:
        """Raises Conflict when the name is taken."""

    async def get(self, user_id: UserId) -> User | None: ...

    async def by_name(self, name: str) -> User | None: ...

    async def by_oidc_subject(self, subject: str) -> User | None: ...

    async def list(self) -> list[User]: ...

    async def set_setting(self, user_id: UserId, name: str, value: str) -> None:
        """Store a setting; an empty value removes it."""

    async def change(self, user_id: UserId, **values: Any) -> None:
        """Change fields of a user: role, disabled, password_hash, oidc_subject."""

    async def remove(self, user_id: UserId) -> None:
        """Forget a user and the user's tokens; sessions and folders must be gone."""


class Tokens(Protocol):
    async def add(self, token: Token) -> None: ...

    async def by_hash(self, secret_hash: str) -> tuple[Token, User] | None: ...

    async def list(self, user_id: UserId) -> list[Token]: ...

    async def remove(self, user_id: UserId, token_id: TokenId) -> bool:
        """Whether there was one."""

    async def touch(self, token_id: TokenId, used_at: datetime) -> None:
        """Note that a token was used."""


class Sessions(Protocol):
    async def add(self, session: Session) -> None:
        """Raises Conflict (``name_taken``) when the owner has one of that name."""

    async def get(self, session_id: SessionId) -> Session | None: ...

    async def find(self, owner_id: UserId, ref: str) -> Session | None:
        """An owner's session by id or by name."""

    async def by_agent_token_hash(self, token_hash: str) -> Session | None: ...

    async def list(self, owner_id: UserId | None = None) -> list[Session]:
        """An owner's sessions, or all; oldest first."""

    async def update(self, session: Session) -> None: ...

    async def remove(self, session_id: SessionId) -> None: ...


class Folders(Protocol):
    async def add(self, folder: Folder) -> None:
        """Raises Conflict (``name_taken``) when the owner has one of that name."""

    async def find(self, owner_id: UserId, name: str) -> Folder | None: ...

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


class FolderQuotas(Protocol):
    async def get(self, owner_id: UserId) -> int | None:
        """Bytes that an owner's folders may hold in all; None for no limit."""

    async def set(self, owner_id: UserId, size_bytes: int | None) -> None: ...


class FolderKeyTable(Protocol):
    async def get(self, folder_id: FolderId, user_id: UserId) -> FolderKeys | None: ...

    async def add(self, keys: FolderKeys) -> None:
        """Raises Conflict when there are some already."""


class OwnKeys(Protocol):
    async def add(self, key: OwnKey) -> None:
        """Raises Conflict when the owner has registered this key already."""

    async def list(self, owner_id: UserId) -> list[OwnKey]:
        """Oldest first."""

    async def remove(self, owner_id: UserId, key_id: OwnKeyId) -> bool:
        """Whether there was one."""


class UserFiles(Protocol):
    async def put(self, file: UserFile) -> None:
        """Store a file, in the place of the one that has its name."""

    async def get(self, owner_id: UserId, name: str) -> UserFile | None: ...

    async def contents(self, owner_id: UserId) -> list[UserFile]: ...

    async def list(self, owner_id: UserId) -> list[FileEntry]: ...

    async def remove(self, owner_id: UserId, name: str) -> bool:
        """Whether there was one."""


class Bootstraps(Protocol):
    async def put(self, bootstrap: Bootstrap) -> None: ...

    async def get(self, owner_id: UserId) -> Bootstrap | None: ...

    async def remove(self, owner_id: UserId) -> bool:
        """Whether there was one."""


class Activities(Protocol):
    """What is known of the sessions that run."""

    async def list(self) -> list[LastActivity]: ...

    async def replace(self, activities: Collection[LastActivity]) -> None:
        """Keep these in place of all others."""


class StreamRecords(Protocol):
    """Who connected to what; see `core.audit`."""

    async def write(self, opened: Collection[StreamRecord], ended: Collection[StreamRecord]) -> None:
        """Add streams (which may have ended already), and note the end of streams that were added before."""

    async def end_open(self, at: datetime, end: StreamEnd) -> int:
        """Note an end for every stream that has none; how many."""

    async def list(self, wanted: StreamFilter, limit: int) -> list[StreamRecord]:
        """The newest first."""

    async def prune(self, before: datetime) -> int:
        """Forget streams that began before, and have ended; how many."""


class Store(Protocol):
    """The database. Each method of a table is a transaction of its own.

    Raises (every method):
        Unavailable: the database cannot be reached, or its disk is full (``storage_full``).
    """

    @property
    def users(self) -> Users: ...

    @property
    def tokens(self) -> Tokens: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def streams(self) -> StreamRecords: ...

    @property
    def folders(self) -> Folders: ...

    @property
    def folder_shares(self) -> FolderShares: ...

    @property
    def trashed_folders(self) -> TrashedFolders: ...

    @property
    def folder_quotas(self) -> FolderQuotas: ...

    @property
    def folder_keys(self) -> FolderKeyTable: ...

    @property
    def activities(self) -> Activities: ...

    @property
    def own_keys(self) -> OwnKeys: ...

    @property
    def user_files(self) -> UserFiles: ...

    @property
    def bootstraps(self) -> Bootstraps: ...


class Traffic(Protocol):
    """What streams move, counted by the gateway."""

    def take_moved(self) -> dict[SessionId, int]:
        """Bytes moved through streams, both ways, since this was asked last, by session; without sessions that
        moved none. One asks: the watch over idle sessions."""


class StreamJournal(Protocol):
    """Told of each stream by the gateway. Returns at once: no stream waits for what is written about it."""

    def opened(self, grant: StreamGrant, app: str, address: str, client: str) -> StreamId:
        """A stream has been opened; by the id its end is told."""

    def ended(self, stream_id: StreamId, bytes_in: int, bytes_out: int, end: StreamEnd) -> None: ...


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

    async def held_bytes(self, owner_id: UserId, host_uid: int) -> int | None:
        """The room that an owner's folders take, counted by the kernel; None where it does not count it."""


class FolderProcess(Protocol):
    """A program confined to a folder, for one stream."""

    @property
    def socket(self) -> Socket:
        """Its standard input and output; whoever opened it closes it."""

    async def aclose(self) -> None:
        """End the program, and forget it."""


class FolderServer(Protocol):
    """Reaches folders without any session of their owners'."""

    async def open(self, view: FolderView, app: FolderApp) -> FolderProcess:
        """Start a program for one stream. It sees the folder and nothing else, and ends with the stream.

        Raises:
            Unavailable: the user has too many open. EngineFailed: it did not start.
        """

    async def cannot_map(self, source: Path) -> str:
        """Why files in a directory cannot be owned by other users' sessions, too, as a phrase; empty when they can."""


class OpenStreams(Protocol):
    """The streams that are open, or about to be."""

    def revoke(self, holder: TokenId | UserId | FolderId) -> int:
        """Break off every stream that a token or a user has opened or is opening, or that leads to a folder; how
        many there were."""


class PasswordHasher(Protocol):
    """Passwords in the form in which they are stored. Slow by intent: at most a few at once."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, stored: str, password: str) -> bool:
        """Whether it is this password; false, after the same work, when `stored` is empty."""


class IdentityProvider(Protocol):
    """An OpenID Connect provider.

    Raises (every method):
        Unavailable: it does not answer, or not as it should.
    """

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the user's browser goes to log in."""

    async def exchange(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> ProvedIdentity:
        """Who has logged in.

        Raises:
            Unauthenticated: what the provider says cannot be believed.
        """


class StreamAuthority(Protocol):
    """Who may open a stream, and whose link it is. Asked by the gateway at every connection: cheap."""

    async def authorise_stream(self, token: str, ref: str, app: str) -> StreamGrant:
        """Whether the token's user owns a session of this name or id that runs.

        Raises:
            Unauthenticated: the token is none, unknown or expired, or its user disabled.
            Forbidden: its scope has no streams (``token_scope``).
            NotFound: the user has no such session.
            Conflict: it does not run (``session_not_running``), or the app is not launched (``app_not_launched``).
        """

    async def authorise_folder(self, token: str, ref: str, app: str) -> tuple[StreamGrant, FolderView, FolderApp]:
        """Whether the token's user may use a folder, ``NAME`` or ``OWNER/NAME``, and how.

        Raises:
            Unauthenticated, Forbidden: as above. NotFound: the user has no such folder, or it has no such app.
        """

    async def authorise_link(self, token: str) -> SessionId:
        """The session that starts or runs and whose agent token this is.

        Raises:
            Unauthenticated: there is none.
        """
