"""What the routes need, as one object that the composition root fills."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sshore.core.keys import CertificateAuthority
from sshore.core.trusted_proxies import TrustedProxies
from sshore.services.accounts import Accounts
from sshore.services.apps import AppService
from sshore.services.audit import Audit
from sshore.services.folder_keys import FolderKeyService
from sshore.services.folder_sharing import FolderSharing
from sshore.services.folder_trash import FolderTrash
from sshore.services.folders import FolderService
from sshore.services.images import ImageService
from sshore.services.live_mounts import LiveMounts
from sshore.services.oidc import OidcLogin
from sshore.services.own_keys import OwnKeyService
from sshore.services.passwords import Passwords
from sshore.services.session_details import SessionDetailsService
from sshore.services.session_watch import SessionWatch
from sshore.services.sessions import SessionService
from sshore.services.settings import UserSettings
from sshore.services.user_administration import UserAdministration
from sshore.services.user_files import BootstrapService, UserFileService


@dataclass(frozen=True, slots=True)
class Services:
    accounts: Accounts
    passwords: Passwords
    users: UserAdministration
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
