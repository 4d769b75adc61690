"""Makes every part of the server and gives each what it needs."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.registry import Collector

from sshore.api.services import Services
from sshore.core.allowances import ServerAllowances, server_allowances
from sshore.core.errors import SshoreError
from sshore.core.ports import Engine, ImageStore, Store
from sshore.engines.sandbox.engine import SandboxEngine
from sshore.engines.sandbox.folder_server import SandboxFolders
from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.gateway.open_streams import StreamTable
from sshore.gateway.unfinished import Unfinished
from sshore.kit.build import Kit, remove_kits
from sshore.oidc.provider import Provider
from sshore.server.docker import find_docker
from sshore.server.metrics import GatewayCollector, LiveUseCollector
from sshore.server.open_files import open_files
from sshore.server.settings import Settings
from sshore.server.state import make_link_directory, touch_private
from sshore.services.audit import Audit
from sshore.services.folders.folders import FolderService
from sshore.services.folders.keys import FolderKeyService
from sshore.services.folders.live_mounts import LiveMounts
from sshore.services.folders.sharing import FolderSharing
from sshore.services.folders.streams import FolderStreams
from sshore.services.folders.trash import FolderTrash
from sshore.services.folders.usage import FolderUsage
from sshore.services.images import ImageService
from sshore.services.old_kits import OldKits
from sshore.services.people.accounts import ADMIN_NAME, Accounts
from sshore.services.people.administration import UserAdministration
from sshore.services.people.allowances import Allowances
from sshore.services.people.groups import Groups
from sshore.services.people.oidc import OidcLogin
from sshore.services.people.own_keys import OwnKeyService
from sshore.services.people.passwords import Passwords
from sshore.services.people.settings import UserSettings
from sshore.services.people.throttle import LoginThrottle
from sshore.services.people.user_files import BootstrapService, UserFileService
from sshore.services.people.waits import Waits
from sshore.services.pulls import Pulls
from sshore.services.sessions.apps import AppService
from sshore.services.sessions.details import SessionDetailsService
from sshore.services.sessions.holding import Holding
from sshore.services.sessions.homes import Homes
from sshore.services.sessions.lifecycle import Lifecycle
from sshore.services.sessions.live_use import LiveUse
from sshore.services.sessions.records import SessionRecords
from sshore.services.sessions.sessions import SessionService
from sshore.services.sessions.setup import Premises, SessionSetup
from sshore.services.sessions.shares import FairShares
from sshore.services.sessions.watch import SessionWatch
from sshore.services.streams import StreamAuthorisation
from sshore.store.authorities import open_authority
from sshore.store.database import Database, sqlite_url
from sshore.store.files import StateFiles
from sshore.store.passwords import Argon2Passwords
from sshore.store.server_lock import ServerLock
from sshore.store.store import DatabaseStore

_OF_UNFINISHED, _OF_LINKS, _OF_WAITS = 4, 8, 16
"""What part of the files that the server may open connections may be that have not said what they want (half as many
from one address), one owner's links, and one user's requests that wait."""
_MOST_WAITS = 64


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    services: Services
    lifecycle: Lifecycle
    own_keys: OwnKeyService
    audit: Audit
    old_kits: OldKits
    gateway: Gateway
    link: Path
    database_lock: ServerLock | None


@asynccontextmanager
async def wire(settings: Settings, state: Path, kit: Kit) -> AsyncIterator[Parts]:
    """Every part of a server, until the context is left; sessions go on."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        database = await _open_database(settings, state)
        stack.push_async_callback(database.aclose)
        database_lock = await stack.enter_async_context(database.held())
        store, files = DatabaseStore(database), StateFiles(state)
        host_ca, user_ca = (open_authority(state / "ca", name) for name in ("host_ca", "user_ca"))
        premises = Premises(kit.path, make_link_directory(state), os.geteuid() == 0, _cpu_has_aes())
        sandbox = SandboxEngine(state, options=settings.sandbox)
        stack.push_async_callback(sandbox.aclose)
        engines: dict[str, Engine] = {sandbox.name: sandbox}
        image_stores: dict[str, ImageStore] = {}
        if docker := await find_docker(state, settings.docker):
            stack.push_async_callback(docker.aclose)
            engines[docker.name] = docker
            image_stores[docker.name] = docker.image_store
        descriptors = open_files()
        links = LinkTable(most_by_owner=max(descriptors // _OF_LINKS, 2))

        streams = StreamTable()
        accounts = Accounts(store, clock, streams)
        await accounts.ensure_admin()
        allowances = Allowances(store, await _server_allowances(settings, files, descriptors))
        usage, homes = FolderUsage(store, files, allowances), Homes(store, files, allowances)
        await usage.begin()
        folders = FolderService(store, files, streams, clock, usage, runs_as_root=premises.runs_as_root)
        setup = SessionSetup(store, files, folders, host_ca, user_ca, premises, clock, homes)
        own_keys = OwnKeyService(store, setup, links, clock, kit.key_types)
        records = SessionRecords(store)
        pulls = Pulls(allowances)
        images = ImageService(store, image_stores, allowances, pulls)
        shares = FairShares(store, allowances, streams, clock, usage, homes, images)
        lifecycle = Lifecycle(store, records, setup, engines, links, clock, shares, pulls)
        live_mounts = LiveMounts(store, folders, records, lifecycle)
        sessions = SessionService(store, files, folders, records, setup, lifecycle, links, user_ca, clock, shares)

        folder_keys = FolderKeyService(store, folders)
        confined = SandboxFolders(state)
        stack.push_async_callback(confined.aclose)
        folder_streams = FolderStreams(folders, folder_keys, kit.path, cpu_has_aes=premises.cpu_has_aes)
        authority = StreamAuthorisation(accounts, sessions, store, host_ca.public_line, allowances, folder_streams)
        audit = Audit(store, clock, settings.audit_days)
        await audit.begin()
        stack.push_async_callback(audit.close)
        live_use = LiveUse()
        watch = SessionWatch(store, records, lifecycle, streams, links, clock, live_use)
        stack.push_async_callback(watch.close)
        unfinished = Unfinished(
            min(settings.unfinished, max(descriptors // _OF_UNFINISHED, 2)),
            min(settings.unfinished_by_address, max(descriptors // (2 * _OF_UNFINISHED), 1)),
        )
        gateway = Gateway(
            authority, links, streams, confined, journal=audit, proxies=settings.proxies, unfinished=unfinished
        )
        await stack.enter_async_context(gateway)
        stack.enter_context(_measured(GatewayCollector(gateway), LiveUseCollector(live_use)))
        services = Services(
            accounts=accounts,
            passwords=Passwords(store, accounts, Argon2Passwords(), LoginThrottle(clock)),
            users=UserAdministration(store, sessions, folders, streams, images),
            allowances=allowances,
            groups=Groups(store, allowances, clock),
            holding=Holding(usage, homes, lifecycle),
            shares=shares,
            waits=Waits(max(min(_MOST_WAITS, descriptors // _OF_WAITS), 1)),
            oidc=_oidc_login(settings, store, accounts, clock),
            public_url=settings.public_url,
            proxies=settings.proxies,
            sessions=sessions,
            details=SessionDetailsService(lifecycle, links, store, folders, homes),
            apps=AppService(records, links),
            images=images,
            folders=folders,
            trash=FolderTrash(store, files, folders, records, streams, clock, settings.trash_days),
            sharing=FolderSharing(store, folders, confined, clock, state),
            live_mounts=live_mounts,
            folder_keys=folder_keys,
            settings=UserSettings(store, tuple(engines)),
            audit=audit,
            watch=watch,
            live_use=live_use,
            own_keys=own_keys,
            user_files=UserFileService(store, clock),
            bootstraps=BootstrapService(store, clock),
            host_ca=host_ca,
            engines=tuple(engines),
            kit=kit.hash,
            is_ready=lambda: _answers(store),
        )
        old_kits = OldKits(store, engines, partial(remove_kits, kit))
        yield Parts(services, lifecycle, own_keys, audit, old_kits, gateway, premises.link, database_lock)


async def _server_allowances(settings: Settings, files: StateFiles, descriptors: int) -> ServerAllowances:
    disk_bytes = None if await files.cannot_hold_homes() else await files.homes_disk_bytes()
    return server_allowances(settings.allowances, settings.allowances_maximum, descriptors, disk_bytes)


def _oidc_login(settings: Settings, store: Store, accounts: Accounts, clock: SystemClock) -> OidcLogin:
    provider = Provider(settings.oidc, clock) if settings.oidc else None
    return OidcLogin(store, accounts, clock, provider, may_create_users=settings.oidc_create_users)


async def _open_database(settings: Settings, state: Path) -> Database:
    file = state / "sshore.db"
    if not settings.database_url:
        touch_private(file)
    database = Database(settings.database_url or sqlite_url(file))
    await database.migrate()
    return database


@contextmanager
def _measured(*collectors: Collector) -> Iterator[None]:
    for collector in collectors:
        REGISTRY.register(collector)
    try:
        yield
    finally:
        for collector in collectors:
            REGISTRY.unregister(collector)


async def _answers(store: Store) -> bool:
    try:
        await store.users.by_name(ADMIN_NAME)
    except SshoreError:
        return False
    return True


def _cpu_has_aes() -> bool:
    """Whether the CPU has AES instructions (``flags`` on x86, ``Features`` on ARM)."""
    try:
        words = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return "aes" in words
