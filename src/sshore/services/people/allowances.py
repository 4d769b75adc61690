"""Users' allowances: what is a user's own and a group's in the database, and the server's defaults."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sshore.core.allowances import (
    FIELDS,
    Allowance,
    Limits,
    ServerAllowances,
    allowance_of,
    check_limits,
    most_of_groups,
)
from sshore.core.choices import Role
from sshore.core.errors import InvalidInput
from sshore.core.ids import UserId
from sshore.core.ports import Store
from sshore.core.users import User
from sshore.services.people.accounts import require_admin
from sshore.services.people.find_user import find_user

_OfGroups = Mapping[str, tuple[str, float | None]]
"""Of each field that one of a user's groups says: the group's name, and how much."""


class Allowed(NamedTuple):
    """A user's allowance, which of its fields are the user's own, and which a group's, by its name."""

    allowance: Allowance
    own: Limits
    by_group: Mapping[str, str]


class Allowances:
    """Asked at every stream and link: what was read once stays in memory. One server changes them: this one."""

    def __init__(self, store: Store, server: ServerAllowances) -> None:
        self._store = store
        self._server = server
        self._changing = asyncio.Lock()
        self._own: dict[UserId, Limits] = {}
        self._of_groups: dict[UserId, dict[str, tuple[str, float | None]]] = {}

    async def of(self, user: User) -> Allowance:
        return (await self.look_up(user)).allowance

    async def of_owner(self, user_id: UserId) -> Allowance:
        """As `of`; without the defaults of members where the user is no more."""
        user = await self._store.users.get(user_id)
        return await self.of(user) if user else allowance_of(self._server.everybody, maximum=self._server.maximum)

    async def links_of(self, user_id: UserId) -> int | None:
        """How many links each session of a user's may park; the same for members and admins."""
        own, given = await self._own_of(user_id), _limits(await self._of_groups_of(user_id))
        return allowance_of(own, given, self._server.everybody, maximum=self._server.maximum).links

    async def look_up(self, user: User) -> Allowed:
        own, given = await self._own_of(user.id), await self._of_groups_of(user.id)
        defaults = [self._server.members] if user.role is not Role.ADMIN else []
        layers = own, _limits(given), *defaults, self._server.everybody
        by_group = {field: name for field, (name, _) in given.items() if field not in own}
        return Allowed(allowance_of(*layers, maximum=self._server.maximum), own, by_group)

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
        self.check_maximum(wanted)
        async with self._changing:  # two at once are both to hold
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

    def check_maximum(self, limits: Limits) -> None:
        """Let limits pass that the server's maximum allows.

        Raises:
            InvalidInput: one of them is above it.
        """
        for field, value in limits.items():
            most, word = self._server.maximum.get(field), FIELDS[field]
            if most is not None and value is not None and value > most:
                raise InvalidInput(f"{word.name} can be {word.show(most)} at most on this server", field=field)

    def forget_groups(self) -> None:
        """Groups have changed. What is being read at this moment is kept where nobody looks any more."""
        self._of_groups = {}

    async def _keep(self, user: User, own: Limits) -> None:
        await self._store.allowances.put(user.id, own)
        self._own[user.id] = own

    async def _own_of(self, user_id: UserId) -> Limits:
        if user_id in self._own:
            return self._own[user_id]
        # What was kept while it was read is newer.
        return self._own.setdefault(user_id, await self._store.allowances.get(user_id))

    async def _of_groups_of(self, user_id: UserId) -> _OfGroups:
        known = self._of_groups
        if user_id not in known:
            groups = await self._store.groups.of(user_id)
            known[user_id] = most_of_groups((group.name, group.limits) for group in groups)
        return known[user_id]


def _limits(given: _OfGroups) -> Limits:
    return {field: value for field, (_, value) in given.items()}
