"""Keys for SFTP to a folder over SSH, for clients that need a port: each user has some of the user's own for each."""

import asyncio
from dataclasses import dataclass

from sshore.core import layout
from sshore.core.choices import KeyType
from sshore.core.errors import Conflict
from sshore.core.folders import Folder, FolderKeys
from sshore.core.keys import fingerprint, further_host_keys, new_private_key, public_line
from sshore.core.ports import Store
from sshore.core.settings import KEY_TYPE, SETTINGS
from sshore.core.users import User
from sshore.services.folders.folders import FolderService


@dataclass(frozen=True, slots=True)
class FolderKeyPair:
    """What a user's client is told; `path` is where the folder lies behind that port."""

    folder_id: str
    path: str
    private_key: str
    public_key: str
    host_key: str
    host_key_fingerprint: str
    further_host_keys: list[str]


class FolderKeyService:
    def __init__(self, store: Store, folders: FolderService) -> None:
        self._store = store
        self._folders = folders

    async def of(self, user: User, ref: str) -> FolderKeyPair:
        """A user's keys for a folder, made when there are none yet. Removed with the folder.

        Raises:
            NotFound: there is none that is the user's to know of.
        """
        access = await self._folders.access(user, ref)
        keys = await self.ensure(access.folder, user)
        host_key = public_line(keys.host_private_key)
        return FolderKeyPair(
            folder_id=access.folder.id,
            path=f"{layout.HOME}/{access.folder.name}",
            private_key=keys.private_key,
            public_key=public_line(keys.private_key),
            host_key=host_key,
            host_key_fingerprint=fingerprint(host_key),
            further_host_keys=[public_line(key) for key in keys.further_host_keys],
        )

    async def ensure(self, folder: Folder, user: User) -> FolderKeys:
        """As `of`, for a folder whose use has been authorised. The key is of the type that the user has set for new
        session keys."""
        keys = await self._store.folder_keys.get(folder.id, user.id)
        if keys is not None:
            return keys
        key_type = KeyType(user.settings.get(KEY_TYPE) or SETTINGS[KEY_TYPE].default)
        private_key = await asyncio.to_thread(new_private_key, key_type)
        further = await asyncio.to_thread(further_host_keys, key_type)
        made = FolderKeys(folder.id, user.id, private_key, new_private_key(KeyType.ED25519), further)
        try:
            await self._store.folder_keys.add(made)
        except Conflict:  # another connection was faster
            return await self.ensure(folder, user)
        return made
