"""User files, which each new home gets, and the bootstrap script, which each start of a session runs."""

import asyncio
import dataclasses
from weakref import WeakValueDictionary

from sshore.core.errors import NotFound, QuotaExceeded
from sshore.core.ids import UserId
from sshore.core.names import suggestion
from sshore.core.ports import Clock, Store
from sshore.core.user_files import (
    MAX_FILES,
    Bootstrap,
    FileEntry,
    UserFile,
    check_content,
    check_file_name,
    check_goes_beside,
    check_script,
)
from sshore.core.users import User


class UserFileService:
    """A user's files. Homes that are there already do not change: they are the user's."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._locks: WeakValueDictionary[UserId, asyncio.Lock] = WeakValueDictionary()

    async def list(self, owner: User) -> list[FileEntry]:
        return await self._store.user_files.list(owner.id)

    async def get(self, owner: User, name: str) -> UserFile:
        """Raises NotFound when there is none of that name, InvalidInput when none can have it."""
        file = await self._store.user_files.get(owner.id, check_file_name(name))
        if file is None:
            raise await self._unknown(owner, name)
        return file

    async def put(self, owner: User, name: str, content: bytes, *, executable: bool = False) -> UserFile:
        """Store a file, in the place of the one that has its name.

        Raises:
            InvalidInput: its name or size cannot be. QuotaExceeded: there are too many.
        """
        check_file_name(name)
        check_content(name, content)
        file = UserFile(owner.id, name, content, executable, self._clock.now())
        async with self._locks.setdefault(owner.id, asyncio.Lock()):  # so that the count is one
            others = [other.name for other in await self.list(owner) if other.name != name]
            check_goes_beside(name, others)
            if len(others) >= MAX_FILES:
                raise QuotaExceeded(f"you have {MAX_FILES} user files, which is the most: remove one, or use a folder")
            await self._store.user_files.put(file)
        return file

    async def remove(self, owner: User, name: str) -> None:
        """Raises NotFound when there is none of that name, InvalidInput when none can have it."""
        if not await self._store.user_files.remove(owner.id, check_file_name(name)):
            raise await self._unknown(owner, name)

    async def _unknown(self, owner: User, name: str) -> NotFound:
        known = [file.name for file in await self.list(owner)]
        return NotFound(f"you have no user file {name!r}{suggestion(name, known) or '; see: sshore file ls'}")


class BootstrapService:
    """A user's bootstrap script."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, owner: User) -> Bootstrap:
        """Raises NotFound when there is none."""
        bootstrap = await self._store.bootstraps.get(owner.id)
        if bootstrap is None:
            raise NotFound("you have no bootstrap script; set one with: sshore bootstrap set FILE")
        return bootstrap

    async def set(self, owner: User, script: str) -> Bootstrap:
        """Store a script, which runs from now on at each start of a session.

        Raises:
            InvalidInput: it is no script.
        """
        bootstrap = Bootstrap(owner.id, check_script(script), True, self._clock.now())
        await self._store.bootstraps.put(bootstrap)
        return bootstrap

    async def switch(self, owner: User, *, enabled: bool) -> Bootstrap:
        """Have it run, or keep it without running it. Raises NotFound when there is none."""
        bootstrap = dataclasses.replace(await self.get(owner), enabled=enabled)
        await self._store.bootstraps.put(bootstrap)
        return bootstrap

    async def remove(self, owner: User) -> None:
        """Idempotent."""
        await self._store.bootstraps.remove(owner.id)
