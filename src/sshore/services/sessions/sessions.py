"""Sessions as their owners use them: create, find, list, start, stop, remove; keys and certificates."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from weakref import WeakValueDictionary

from sshore.core import layout
from sshore.core.activity import check_span
from sshore.core.choices import Role
from sshore.core.errors import Conflict, EngineFailed, NotFound
from sshore.core.ids import SessionId, UserId
from sshore.core.images import PullProgress
from sshore.core.keys import CertificateAuthority, public_line
from sshore.core.names import check_session_name, suggestion
from sshore.core.ports import Clock, Links, SessionFiles, Store
from sshore.core.sessions import Session, shortage
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.folders.folders import FolderService
from sshore.services.people.accounts import require_admin
from sshore.services.sessions.lifecycle import Lifecycle
from sshore.services.sessions.records import SessionRecords
from sshore.services.sessions.setup import NewSession, SessionSetup
from sshore.services.sessions.shares import FairShares
from sshore.wire.problems import Code

ProgramLog = Literal["bootstrap", "entrypoint"]
CERTIFICATE_LIFETIME = timedelta(minutes=10)
CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SessionKeys:
    private_key: str
    public_key: str
    host_key: str
    further_host_keys: list[str]


class SessionService:
    """What owners do with their sessions. A session of somebody else's is not found; admins may list,
    stop and remove all, by id."""

    def __init__(
        self,
        store: Store,
        files: SessionFiles,
        folders: FolderService,
        records: SessionRecords,
        setup: SessionSetup,
        lifecycle: Lifecycle,
        links: Links,
        user_ca: CertificateAuthority,
        clock: Clock,
        shares: FairShares,
    ) -> None:
        self._store = store
        self._files = files
        self._folders = folders
        self._records = records
        self._setup = setup
        self._lifecycle = lifecycle
        self._links = links
        self._user_ca = user_ca
        self._clock = clock
        self._shares = shares
        self._adding: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()

    async def create(self, owner: User, wanted: NewSession, wait_s: float, seen: str | None = None) -> Session:
        """Make a session and wait until it runs or has to wait for room; nothing of it is left on an error.

        Raises:
            InvalidInput: a name, limit or network that cannot be. NotFound: no such engine or folder.
            Conflict: the owner has a session of that name. EngineFailed: it did not start.
            QuotaExceeded: the owner's allowance has no such session, or no further one (``allowance_exceeded``).
        """
        check_session_name(wanted.name)
        engine = self._lifecycle.engine(wanted.engine)
        if await self._store.sessions.find(owner.id, wanted.name):
            raise Conflict(
                f"you have a session {wanted.name!r} already: choose another name, or sshore start {wanted.name}",
                code=Code.NAME_TAKEN,
            )
        wanted = await self._shares.new(owner, wanted)
        wanted = replace(wanted, mounts=await self._folders.checked_mounts(owner, wanted.mounts))
        session = await self._setup.new(owner, wanted)
        await engine.check(await self._setup.spec(session))
        self._refuse_what_never_fits(session, shortage(session.resources, await engine.capacity(), []))
        async with self._adding.setdefault(owner.id, asyncio.Lock()):  # several at once are not to be one too many
            await self._shares.check_number(owner)
            await self._store.sessions.add(session)
        try:
            await self._setup.prepare(session)
        except BaseException:
            await self._forget(session)
            raise
        self._lifecycle.place()
        return await self._started(session, wait_s, seen)

    async def find(self, caller: User, ref: str) -> Session:
        """The caller's session by name or id, in any case, as host names are; an admin finds anybody's by id.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        session = await self._store.sessions.find(caller.id, ref.lower())
        if session is None and caller.role is Role.ADMIN:
            session = await self._store.sessions.get(SessionId(ref.lower()))
        if session is None:
            raise await self._unknown(caller, ref)
        return session

    async def find_own(self, owner: User, ref: str) -> Session:
        """As `find`, but what only the owner may do.

        Raises:
            NotFound: there is none, or it is somebody else's.
        """
        session = await self._store.sessions.find(owner.id, ref.lower())
        if session is None:
            raise await self._unknown(owner, ref)
        return session

    async def settled(self, session: Session, wait_s: float, seen: str | None = None) -> Session:
        """The session once nothing more happens by itself, or its reason is another than was `seen`, or after
        `wait_s`."""
        return await self._records.wait_settled(session.id, wait_s, seen) if wait_s > 0 else session

    async def list(self, caller: User, *, everyone: bool) -> list[tuple[Session, str]]:
        """Sessions with their owners' names, oldest first."""
        if not everyone:
            return [(session, caller.name) for session in await self._store.sessions.list(caller.id)]
        require_admin(caller)
        names = {user.id: user.name for user in await self._store.users.list()}
        return [(session, names[session.owner_id]) for session in await self._store.sessions.list()]

    async def owner_name(self, caller: User, session: Session) -> str:
        """As `list` has it."""
        owner = caller if session.owner_id == caller.id else await self._store.users.get(session.owner_id)
        return owner.name if owner else session.owner_id

    def is_linked(self, session: Session) -> bool:
        return self._links.is_linked(session.id)

    def pull(self, session: Session) -> PullProgress | None:
        """How far the pull of its image is, while there is one."""
        return self._records.progress(session.id)

    async def start(self, session: Session, wait_s: float, seen: str | None = None) -> Session:
        engine = self._lifecycle.engine(session.engine)
        if session.state in (SessionState.STOPPED, SessionState.FAILED):
            session = await self._records.change(session.id, **await self._shares.again(session))
        await engine.check(await self._setup.spec(session))
        return await self.settled(await self._lifecycle.start(session), wait_s, seen)

    async def change(
        self, caller: User, session: Session, *, idle_timeout_s: float | None, ttl_s: float | None
    ) -> Session:
        """Change when a session stops by itself: seconds, 0 for never, None to leave it.

        Raises:
            InvalidInput: a duration that cannot be. QuotaExceeded: it is longer than the owner's allowance has it,
                which binds no admin.
        """
        wanted = {"idle_timeout_s": idle_timeout_s, "ttl_s": ttl_s}
        values = {name: check_span(seconds, name) for name, seconds in wanted.items() if seconds is not None}
        if caller.role is not Role.ADMIN:
            await self._shares.check_spans(session.owner_id, values)
        return await self._records.change(session.id, **values)

    async def stop(self, session: Session) -> Session:
        return await self._lifecycle.stop(session)

    async def remove(self, session: Session, *, force: bool) -> None:
        """Remove a session, its home and its keys.

        Raises:
            Conflict: it has not ended, and `force` is false.
        """
        if session.state.holds_resources and not force:
            raise Conflict(
                f"session {session.name!r} is {session.state}: stop it first, or remove it with --force",
                code=Code.WRONG_STATE,
            )
        await self._lifecycle.remove(session)
        await self._forget(session)

    async def log(self, session: Session, tail_bytes: int) -> bytes:
        return await self._lifecycle.engine(session.engine).log(session.id, tail_bytes)

    async def program_log(self, session: Session, of: ProgramLog, tail_bytes: int) -> bytes:
        """What the bootstrap script or the image's entrypoint wrote at the last start; empty when none ran."""
        path = f"{layout.HOME_STATE}/{of}.log"
        return await self._files.read_home_file(session.id, path, tail_bytes) or b""

    def keys(self, session: Session) -> SessionKeys:
        return SessionKeys(
            private_key=session.private_key,
            public_key=public_line(session.private_key),
            host_key=public_line(session.host_private_key),
            further_host_keys=[public_line(key) for key in session.further_host_keys],
        )

    def certify(self, owner: str, session_id: SessionId, public_key: str) -> tuple[str, datetime]:
        """A user certificate of minutes that opens this session, and until when it does; in its owner's name.

        Raises:
            InvalidInput: the key is no public key that can be certified.
        """
        now = self._clock.now()
        until = now + CERTIFICATE_LIFETIME
        key_id = f"{owner} {session_id}"
        return self._user_ca.sign_user_key(public_key, session_id, key_id, now - CLOCK_SKEW, until), until

    async def _started(self, session: Session, wait_s: float, seen: str | None) -> Session:
        if wait_s <= 0:
            return session
        settled = await self._records.wait_settled(session.id, wait_s, seen)
        if settled.state is SessionState.FAILED and settled.started_at is None:
            await self.remove(settled, force=True)
            raise EngineFailed(f"session {session.name!r} did not start: {settled.reason}")
        return settled

    async def _forget(self, session: Session) -> None:
        await self._files.remove(session.id)
        await self._records.remove(session.id)

    @staticmethod
    def _refuse_what_never_fits(session: Session, missing: str) -> None:
        if missing:
            raise Conflict(f"session {session.name!r} can never fit here: it wants {missing}", code=Code.DOES_NOT_FIT)

    async def _unknown(self, caller: User, ref: str) -> NotFound:
        known = [session.name for session in await self._store.sessions.list(caller.id)]
        return NotFound(f"you have no session {ref!r}{suggestion(ref.lower(), known) or '; see: sshore ls'}")
