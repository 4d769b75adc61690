"""The services on a real database and real files, with an engine and agents in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher

from fakes.engine import FakeEngine, FakeMachine
from fakes.images import FakeImageStore
from fakes.links import FakeLinks
from fakes.streams import FakeStreams
from sshore.core.allowances import Limits, server_allowances
from sshore.core.choices import KeyType, Role
from sshore.core.keys import CertificateAuthority, new_private_key
from sshore.core.sessions import Session
from sshore.core.users import User
from sshore.services.folders.folders import FolderService
from sshore.services.folders.live_mounts import LiveMounts
from sshore.services.folders.usage import FolderUsage
from sshore.services.images import ImageService
from sshore.services.people.accounts import Accounts
from sshore.services.people.administration import UserAdministration
from sshore.services.people.allowances import Allowances
from sshore.services.people.groups import Groups
from sshore.services.people.own_keys import OwnKeyService
from sshore.services.people.passwords import Passwords
from sshore.services.people.settings import UserSettings
from sshore.services.people.throttle import LoginThrottle
from sshore.services.people.user_files import BootstrapService, UserFileService
from sshore.services.pulls import Pulls
from sshore.services.sessions.apps import AppService
from sshore.services.sessions.homes import Homes
from sshore.services.sessions.lifecycle import Lifecycle
from sshore.services.sessions.records import SessionRecords
from sshore.services.sessions.sessions import SessionService
from sshore.services.sessions.setup import NewSession, Premises, SessionSetup
from sshore.services.sessions.shares import FairShares
from sshore.services.streams import StreamAuthorisation
from sshore.store.database import Database, sqlite_url
from sshore.store.files import StateFiles
from sshore.store.passwords import Argon2Passwords
from sshore.store.store import DatabaseStore

_AT_ONCE = 3
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class SetClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


@dataclass
class World:
    """One server's services, from `open_world` until it is closed; `state` and `machine` outlive it."""

    state: Path
    store: DatabaseStore
    clock: SetClock
    engine: FakeEngine
    links: FakeLinks
    accounts: Accounts
    passwords: Passwords
    users: UserAdministration
    open_streams: FakeStreams
    settings: UserSettings
    own_keys: OwnKeyService
    user_files: UserFileService
    bootstraps: BootstrapService
    folders: FolderService
    sessions: SessionService
    apps: AppService
    images: ImageService
    image_store: FakeImageStore
    streams: StreamAuthorisation
    allowances: Allowances
    groups: Groups
    shares: FairShares
    homes: Homes
    lifecycle: Lifecycle
    live_mounts: LiveMounts
    admin: User

    async def member(self, name: str) -> User:
        return await self.accounts.create_user(self.admin, name, Role.MEMBER)

    async def run(self, owner: User, name: str, **wanted: object) -> Session:
        return await self.sessions.create(owner, NewSession(name, self.engine.name, **wanted), wait_s=5)  # type: ignore[arg-type]

    def sessions_directory(self, session: Session) -> Path:
        return self.state / "sessions" / session.id

    async def session(self, owner: User, name: str) -> Session:
        return await self.sessions.find_own(owner, name)


_empty: list[bytes] = []


async def _empty_database() -> bytes:
    """A file with all tables; made once, because the migrations take longer than most tests."""
    if not _empty:
        with TemporaryDirectory() as directory:
            file = Path(directory, "empty.db")
            async with aclosing(Database(sqlite_url(file))) as database:
                await database.migrate()
            _empty.append(file.read_bytes())
    return _empty[0]


@asynccontextmanager
async def open_world(
    state: Path,
    machine: FakeMachine,
    engine: FakeEngine | None = None,
    clock: SetClock | None = None,
    server_defaults: Limits | None = None,
) -> AsyncIterator[World]:
    """Services whose lifecycle runs, as in a server."""
    if not (state / "test.db").exists():
        (state / "test.db").write_bytes(await _empty_database())
    database = Database(sqlite_url(state / "test.db"))
    await _connect(database)
    store, files, clock = DatabaseStore(database), StateFiles(state), clock or SetClock()
    engine = engine or FakeEngine(machine)
    links = FakeLinks(machine)
    streams = FakeStreams()
    accounts = Accounts(store, clock, streams)
    allowances = Allowances(store, server_allowances(server_defaults or {}, {}, descriptors=4096))
    usage, homes = FolderUsage(store, files, allowances), Homes(store, files, allowances)
    folders = FolderService(store, files, streams, clock, usage, runs_as_root=False)
    host_ca, user_ca = (CertificateAuthority(new_private_key(KeyType.ED25519)) for _ in range(2))
    premises = Premises(state / "kit", state / "link", runs_as_root=False, cpu_has_aes=True)
    setup = SessionSetup(store, files, folders, host_ca, user_ca, premises, clock, homes)
    records = SessionRecords(store)
    image_store = FakeImageStore()
    pulls = Pulls(allowances)
    images = ImageService(store, {engine.name: image_store}, allowances, pulls)
    shares = FairShares(store, allowances, streams, clock, usage, homes, images)
    lifecycle = Lifecycle(store, records, setup, {engine.name: engine}, links, clock, shares, pulls)
    live_mounts = LiveMounts(store, folders, records, lifecycle)
    sessions = SessionService(store, files, folders, records, setup, lifecycle, links, user_ca, clock, shares)
    world = World(
        state=state,
        store=store,
        clock=clock,
        engine=engine,
        links=links,
        accounts=accounts,
        passwords=Passwords(store, accounts, Argon2Passwords(QUICK), LoginThrottle(clock)),
        users=UserAdministration(store, sessions, folders, streams, images),
        open_streams=streams,
        settings=UserSettings(store),
        own_keys=OwnKeyService(store, setup, links, clock),
        user_files=UserFileService(store, clock),
        bootstraps=BootstrapService(store, clock),
        folders=folders,
        sessions=sessions,
        apps=AppService(records, links),
        images=images,
        image_store=image_store,
        streams=StreamAuthorisation(accounts, sessions, store, host_ca.public_line, allowances),
        allowances=allowances,
        groups=Groups(store, allowances, clock),
        shares=shares,
        homes=homes,
        lifecycle=lifecycle,
        live_mounts=live_mounts,
        admin=await accounts.ensure_admin(),
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(lifecycle.run())
            catching_up = tasks.create_task(world.own_keys.run())
            try:
                yield world
            finally:
                running.cancel()
                catching_up.cancel()
    finally:
        await database.aclose()


async def _connect(database: Database) -> None:
    """Make connections for all who use them at once here, which stay open for the next: a task that is cancelled
    while it connects leaves one that nobody closes, and Python 3.13 warns of it."""
    async with contextlib.AsyncExitStack() as connections:
        for _ in range(_AT_ONCE):
            await connections.enter_async_context(database.read())
