"""What admins do with users: change roles, disable and enable, remove."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sshore.core.choices import Role
from sshore.core.errors import Conflict, Unauthenticated
from sshore.core.ports import OpenStreams, Store
from sshore.core.users import User
from sshore.services.folders.folders import FolderService
from sshore.services.images import ImageService
from sshore.services.people.accounts import require_admin
from sshore.services.people.find_user import find_user
from sshore.services.sessions.sessions import SessionService


class UserAdministration:
    """One change at a time, and none of an admin's own account: so there is always an admin left."""

    def __init__(
        self,
        store: Store,
        sessions: SessionService,
        folders: FolderService,
        streams: OpenStreams,
        images: ImageService,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._folders = folders
        self._streams = streams
        self._images = images
        self._lock = asyncio.Lock()

    async def link(self, caller: User, name: str, oidc_subject: str) -> User:
        """Say who a user is at the OpenID Connect provider; nobody, when it is empty.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user. Conflict: it is somebody else.
        """
        require_admin(caller)
        user = await self._find(name)
        try:
            await self._store.users.change(user.id, oidc_subject=oidc_subject or None)
        except Conflict as error:
            raise Conflict(f"{oidc_subject} is another user already; see: sshore user ls --json") from error
        return await self._find(name)

    async def change(self, caller: User, name: str, role: Role | None, disabled: bool | None) -> User:
        """Change what is given. A disabled user's streams end at once; the sessions go on.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user. Conflict: it is the caller.
        """
        async with self._changing(caller, name) as user:
            values = {key: value for key, value in (("role", role), ("disabled", disabled)) if value is not None}
            if values:
                await self._store.users.change(user.id, **values)
            if disabled:
                self._streams.revoke(user.id)
            return await self._find(name)

    async def remove(self, caller: User, name: str, *, with_data: bool) -> None:
        """Remove a user, the user's tokens, sessions (their homes, too) and committed images and, `with_data`, folders.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user.
            Conflict: it is the caller; or the user has folders, and `with_data` is false.
        """
        async with self._changing(caller, name) as user:
            folders = await self._folders.list(user)
            if folders and not with_data:
                names = ", ".join(folder.name for folder in folders)
                raise Conflict(
                    f"{name} has folders ({names}): move what is to be kept, then: sshore user rm --with-data {name}"
                )
            # Disabled first: whatever fails below, nobody comes in any more, and it can be repeated.
            await self._store.users.change(user.id, disabled=True)
            self._streams.revoke(user.id)
            for session, _ in await self._sessions.list(user, everyone=False):
                await self._sessions.remove(session, force=True)
            for folder in folders:
                await self._folders.remove(user, folder.name)
            await self._folders.forget_trash(user)
            await self._images.remove_all(user)
            await self._forget(user)

    async def _forget(self, user: User) -> None:
        try:
            await self._store.users.remove(user.id)
        except Conflict as error:  # a request that was under way has made something meanwhile
            raise Conflict(f"{user.name} was still at work, and is disabled now: remove the user again") from error

    @asynccontextmanager
    async def _changing(self, caller: User, name: str) -> AsyncIterator[User]:
        async with self._lock:
            now = await self._store.users.get(caller.id)
            if now is None or now.disabled:
                raise Unauthenticated("your account has just been disabled or removed: ask another admin")
            require_admin(now)
            user = await self._find(name)
            if user.id == caller.id:
                raise Conflict("nobody changes or removes the own account: let another admin do it")
            yield user

    async def _find(self, name: str) -> User:
        return await find_user(self._store, name)
