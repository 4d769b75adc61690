"""What the routes need, as one object that the composition root fills."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sshore.core.keys import CertificateAuthority
from sshore.core.trusted_proxies import TrustedProxies
from sshore.services.audit import Audit
from sshore.services.folders.folders import FolderService
from sshore.services.folders.keys import FolderKeyService
from sshore.services.folders.live_mounts import LiveMounts
from sshore.services.folders.sharing import FolderSharing
from sshore.services.folders.trash import FolderTrash
from sshore.services.images import ImageService
from sshore.services.people.accounts import Accounts
from sshore.services.people.administration import UserAdministration
from sshore.services.people.allowances import Allowances
from sshore.services.people.groups import Groups
from sshore.services.people.oidc import OidcLogin
from sshore.services.people.own_keys import OwnKeyService
from sshore.services.people.passwords import Passwords
from sshore.services.people.settings import UserSettings
from sshore.services.people.user_files import BootstrapService, UserFileService
from sshore.services.people.waits import Waits
from sshore.services.sessions.apps import AppService
from sshore.services.sessions.details import SessionDetailsService
from sshore.services.sessions.holding import Holding
from sshore.services.sessions.live_use import LiveUse
from sshore.services.sessions.sessions import SessionService
from sshore.services.sessions.shares import FairShares
from sshore.services.sessions.watch import SessionWatch


@dataclass(frozen=True, slots=True)
class Services:
    accounts: Accounts
    passwords: Passwords
    users: UserAdministration
    allowances: Allowances
    groups: Groups
    shares: FairShares
    holding: Holding
    waits: Waits
    oidc: OidcLogin
    sessions: SessionService
    details: SessionDetailsService
    apps: AppService
    images: ImageService
    folders: FolderService
    trash: FolderTrash
    sharing: FolderSharing
    live_mounts: LiveMounts
    folder_keys: FolderKeyService
    settings: UserSettings
    audit: Audit
    watch: SessionWatch
    live_use: LiveUse
    own_keys: OwnKeyService
    user_files: UserFileService
    bootstraps: BootstrapService
    host_ca: CertificateAuthority
    engines: tuple[str, ...]
    """The first one is the default."""
    kit: str
    public_url: str
    """The address that users' browsers know; empty: the one that they asked."""
    proxies: TrustedProxies
    is_ready: Callable[[], Awaitable[bool]]
