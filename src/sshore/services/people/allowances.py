"""Users' allowances: what is a user's own in the database, and the server's defaults."""

from collections.abc import Sequence
from typing import NamedTuple

from sshore.core.allowances import FIELDS, Allowance, Limits, ServerAllowances, allowance_of, check_limits
from sshore.core.choices import Role
from sshore.core.errors import InvalidInput
from sshore.core.ids import UserId
from sshore.core.ports import Store
from sshore.core.users import User
from sshore.services.people.accounts import require_admin
from sshore.services.people.find_user import find_user


class Allowed(NamedTuple):
    """A user's allowance, and which of its fields are the user's own."""

    allowance: Allowance
    own: Limits


class Allowances:
    """Asked at every stream and link: what was read once stays in memory. One server changes them: this one."""

    def __init__(self, store: Store, server: ServerAllowances) -> None:
        self._store = store
        self._server = server
        self._own: dict[UserId, Limits] = {}

    async def of(self, user: User) -> Allowance:
        return (await self.look_up(user)).allowance

    async def of_owner(self, user_id: UserId) -> Allowance:
        """As `of`; without the defaults of members where the user is no more."""
        user = await self._store.users.get(user_id)
        return await self.of(user) if user else allowance_of(self._server.everybody, maximum=self._server.maximum)

    async def links_of(self, user_id: UserId) -> int | None:
        """How many links each session of a user's may park; the same for members and admins."""
        own = await self._own_of(user_id)
        return allowance_of(own, self._server.everybody, maximum=self._server.maximum).links

    async def look_up(self, user: User) -> Allowed:
        own = await self._own_of(user.id)
        # Here is the place of a group's.
        defaults = [self._server.members] if user.role is not Role.ADMIN else []
        return Allowed(allowance_of(own, *defaults, self._server.everybody, maximum=self._server.maximum), own)

    async def find(self, caller: User, name: str) -> User:
        """Another user, for admins.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user.
        """
        require_admin(caller)
        return await find_user(self._store, name)

    async def change(self, caller: User, name: str, limits: Limits, defaults: Sequence[str]) -> User:
        """Allow a user this; what is in `defaults` is the server's default again.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user.
            InvalidInput: a limit that cannot be, or is above the server's maximum.
        """
        user = await self.find(caller, name)
        wanted = check_limits(limits)
        check_limits(dict.fromkeys(defaults))
        for field, value in wanted.items():
            self._check_maximum(field, value)
        own = {field: value for field, value in (await self._own_of(user.id)).items() if field not in defaults}
        await self._keep(user, own | wanted)
        return user

    async def reset(self, caller: User, name: str) -> User:
        """Nothing of a user's allowance is the user's own any more.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user.
        """
        user = await self.find(caller, name)
        await self._keep(user, {})
        return user

    async def _keep(self, user: User, own: Limits) -> None:
        await self._store.allowances.put(user.id, own)
        self._own[user.id] = own

    async def _own_of(self, user_id: UserId) -> Limits:
        if user_id not in self._own:
            self._own[user_id] = await self._store.allowances.get(user_id)
        return self._own[user_id]

    def _check_maximum(self, field: str, value: float | None) -> None:
        most, word = self._server.maximum.get(field), FIELDS[field]
        if most is not None and value is not None and value > most:
            raise InvalidInput(f"{word.name} can be {word.show(most)} at most on this server", field=field)
