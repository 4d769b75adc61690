"""Where sessions run, their images, and programs confined to a folder: implemented by `engines`."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from socket import socket as Socket
from typing import Protocol

from sshore.core.folders import FolderApp, FolderView
from sshore.core.ids import SessionId, UserId
from sshore.core.images import CommittedImage, Image, Progress, PullProgress, RegistryLogin
from sshore.core.live_use import Reading
from sshore.core.sessions import BindMount, Capacity, EngineState, ImageFacts, MemoryKills, Session, SessionSpec


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
        engine has no images. `progress` is told how far a pull is, a few times a second; it does not begin before it
        has returned for the first time.

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

    async def kits(self) -> set[str]:
        """The names (hashes) of the kits that its sessions have mounted.

        Raises:
            EngineFailed: it cannot tell of each of them.
        """

    async def capacity(self) -> Capacity:
        """What the engine has in all."""

    async def aclose(self) -> None:
        """Let go of the engine's own resources; sessions go on."""

    async def measure(self) -> dict[SessionId, Reading]:
        """What each running session's processes use, and have used since it started, those that have ended
        included, as far as the engine can tell. The network's bytes are the host's where it shares that."""

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

    def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
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

    async def size_of_commit(self, session: Session) -> int:
        """What a commit of a session would have written now, with the commits under it, in bytes.

        Raises:
            Forbidden: the administrator does not allow it. Conflict: nothing is left of the session's last run.
        """

    async def committed(self, owner_id: UserId) -> "Sequence[CommittedImage]":
        """The images that a user has committed, also those that have lost their names and that some session still
        needs."""

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
