"""Makes every part of the server and gives each what it needs."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import REGISTRY

from sshore.api.services import Services
from sshore.core.errors import SshoreError
from sshore.core.ports import Engine, Store
from sshore.engines.sandbox.engine import SandboxEngine
from sshore.gateway.gateway import Gateway
from sshore.gateway.links import LinkTable
from sshore.kit.build import Kit
from sshore.server.metrics import GatewayCollector
from sshore.server.settings import Settings
from sshore.server.state import make_link_directory, touch_private
from sshore.services.accounts import Accounts
from sshore.services.apps import AppService
from sshore.services.folders import FolderService
from sshore.services.lifecycle import Lifecycle
from sshore.services.records import SessionRecords
from sshore.services.sessions import SessionService
from sshore.services.settings import UserSettings
from sshore.services.setup import Premises, SessionSetup
from sshore.services.streams import StreamAuthorisation
from sshore.store.authorities import open_authority
from sshore.store.database import Database, sqlite_url
from sshore.store.files import StateFiles
from sshore.store.store import DatabaseStore


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    services: Services
    lifecycle: Lifecycle
    gateway: Gateway
    link: Path


@asynccontextmanager
async def wire(settings: Settings, state: Path, kit: Kit) -> AsyncIterator[Parts]:
    clock = SystemClock()
    database_file = state / "sshore.db"
    if not settings.database_url:
        touch_private(database_file)
    database = Database(settings.database_url or sqlite_url(database_file))
    await database.migrate()
    store = DatabaseStore(database)
    files = StateFiles(state)
    host_ca = open_authority(state / "ca", "host_ca")
    user_ca = open_authority(state / "ca", "user_ca")
    link = make_link_directory(state)
    runs_as_root = os.geteuid() == 0
    engines: dict[str, Engine] = {engine.name: engine for engine in (SandboxEngine(state),)}
    links = LinkTable()
    accounts = Accounts(store, clock)
    await accounts.ensure_admin()
    folders = FolderService(store, files, clock, runs_as_root=runs_as_root)
    premises = Premises(kit.path, link, runs_as_root, _cpu_has_aes())
    setup = SessionSetup(store, files, folders, host_ca, user_ca, premises, clock)
    records = SessionRecords(store)
    lifecycle = Lifecycle(store, records, setup, engines, links, clock)
    sessions = SessionService(store, files, folders, records, setup, lifecycle, links, user_ca, clock)
    services = Services(
        accounts=accounts,
        sessions=sessions,
        apps=AppService(records, links),
        folders=folders,
        settings=UserSettings(store),
        host_ca=host_ca,
        engines=tuple(engines),
        kit=kit.hash,
        is_ready=lambda: _answers(store),
    )
    collector = None
    try:
        async with Gateway(StreamAuthorisation(accounts, sessions, store), links) as gateway:
            collector = GatewayCollector(gateway)
            REGISTRY.register(collector)
            yield Parts(services, lifecycle, gateway, link)
    finally:
        if collector is not None:
            REGISTRY.unregister(collector)
        await database.aclose()


async def _answers(store: Store) -> bool:
    try:
        await store.users.highest_host_uid()
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
