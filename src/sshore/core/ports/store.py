"""The database, as its tables: implemented by `store`."""

from typing import Protocol

from sshore.core.ports.folder_tables import FolderKeyTable, Folders, FolderShares, TrashedFolders
from sshore.core.ports.people_tables import AllowanceTable, Bootstraps, Groups, OwnKeys, Tokens, UserFiles, Users
from sshore.core.ports.session_tables import Activities, Sessions, StreamRecords


class Store(Protocol):
    """The database. Each method of a table is a transaction of its own.

    Raises (every method):
        Unavailable: the database cannot be reached, or its disk is full (``storage_full``).
    """

    @property
    def users(self) -> Users: ...

    @property
    def allowances(self) -> AllowanceTable: ...

    @property
    def groups(self) -> Groups: ...

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
    def folder_keys(self) -> FolderKeyTable: ...

    @property
    def activities(self) -> Activities: ...

    @property
    def own_keys(self) -> OwnKeys: ...

    @property
    def user_files(self) -> UserFiles: ...

    @property
    def bootstraps(self) -> Bootstraps: ...
