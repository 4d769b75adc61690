"""The interfaces that services need, and what the adapters that implement them promise; by who implements them.

engines.py         Engine, ImageStore                    engines/*: where sessions run, and their images
                   FolderServer, FolderProcess           engines/sandbox: programs confined to a folder
links.py           Links, OpenStreams, Traffic           gateway: calls to agents, the streams that are open
                   StreamAuthority, StreamJournal        services: what the gateway asks and tells
store.py           Store                                 store: the database, as its tables:
people_tables.py     users, groups, allowances, tokens, own keys, files and scripts for new homes
session_tables.py    sessions, what they did last, the streams that were
folder_tables.py     folders, shares, the trash, keys for SFTP
files.py           SessionFiles                          store: directories of sessions and folders
logins.py          PasswordHasher, IdentityProvider      store, oidc
clock.py           Clock                                 server

services ──▶ core.ports ◀── engines, gateway, store, oidc
"""

from sshore.core.ports.clock import Clock
from sshore.core.ports.engines import Engine, FolderProcess, FolderServer, ImageStore
from sshore.core.ports.files import SessionFiles
from sshore.core.ports.folder_tables import FolderKeyTable, Folders, FolderShares, TrashedFolders
from sshore.core.ports.links import Links, OpenStreams, StreamAuthority, StreamJournal, Traffic
from sshore.core.ports.logins import IdentityProvider, PasswordHasher
from sshore.core.ports.people_tables import AllowanceTable, Bootstraps, Groups, OwnKeys, Tokens, UserFiles, Users
from sshore.core.ports.session_tables import Activities, Sessions, StreamRecords
from sshore.core.ports.store import Store

__all__ = [
    "Activities",
    "AllowanceTable",
    "Bootstraps",
    "Clock",
    "Engine",
    "FolderKeyTable",
    "FolderProcess",
    "FolderServer",
    "FolderShares",
    "Folders",
    "Groups",
    "IdentityProvider",
    "ImageStore",
    "Links",
    "OpenStreams",
    "OwnKeys",
    "PasswordHasher",
    "SessionFiles",
    "Sessions",
    "Store",
    "StreamAuthority",
    "StreamJournal",
    "StreamRecords",
    "Tokens",
    "Traffic",
    "TrashedFolders",
    "UserFiles",
    "Users",
]
