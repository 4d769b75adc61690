"""Groups of users, for admins: who is in them, and what each of their members may have."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from sshore.core.allowances import Limits, check_limits
from sshore.core.errors import NotFound
from sshore.core.groups import Group
from sshore.core.ids import GroupId, new_id
from sshore.core.names import check_group_name, suggestion
from sshore.core.ports import Clock, Store
from sshore.core.users import User
from sshore.services.people.accounts import require_admin
from sshore.services.people.allowances import Allowances
from sshore.services.people.find_user import find_user


class ListedGroup(NamedTuple):
    group: Group
    members: list[User]


class Groups:
    """Every method raises Forbidden where the caller is no admin, and NotFound where there is no such group or user."""

    def __init__(self, store: Store, allowances: Allowances, clock: Clock) -> None:
        self._store = store
        self._allowances = allowances
        self._clock = clock
        self._changing = asyncio.Lock()

    async def find(self, caller: User, name: str) -> ListedGroup:
        require_admin(caller)
        group = await self._store.groups.by_name(name)
        if group is None:
            known = [group.name for group in await self._store.groups.list()]
            raise NotFound(f"there is no group {name!r}{suggestion(name, known) or '; see: sshore group ls'}")
        return await self._listed(group)

    async def create(self, caller: User, name: str) -> ListedGroup:
        """Raises InvalidInput when the name is none, Conflict when it is taken."""
        require_admin(caller)
        group = Group(GroupId(new_id()), check_group_name(name), self._clock.now(), {})
        await self._store.groups.add(group)
        return ListedGroup(group, [])

    async def remove(self, caller: User, name: str) -> ListedGroup:
        """Its members stay, and have no more of it."""
        found = await self.find(caller, name)
        await self._store.groups.remove(found.group.id)
        self._allowances.forget_groups()
        return found

    async def join(self, caller: User, name: str, user_name: str) -> ListedGroup:
        """Make a user a member. Idempotent."""
        group = (await self.find(caller, name)).group
        user = await find_user(self._store, user_name)
        await self._store.groups.join(group.id, user.id)
        self._allowances.forget_groups()
        return await self._listed(group)

    async def leave(self, caller: User, name: str, user_name: str) -> tuple[ListedGroup, User]:
        """Make a user a member no more; the user, too.

        Raises:
            NotFound: the user is none.
        """
        group = (await self.find(caller, name)).group
        user = await find_user(self._store, user_name)
        if not await self._store.groups.leave(group.id, user.id):
            raise NotFound(f"{user.name} is no member of the group {group.name!r}; see: sshore group ls")
        self._allowances.forget_groups()
        return await self._listed(group), user

    async def change(self, caller: User, name: str, limits: Limits, defaults: Sequence[str]) -> ListedGroup:
        """Say what each member may have; of what is in `defaults` the group says nothing any more.

        Raises:
            InvalidInput: a limit that cannot be, or is above the server's maximum.
        """
        require_admin(caller)
        wanted = check_limits(limits)
        check_limits(dict.fromkeys(defaults))
        self._allowances.check_maximum(wanted)
        async with self._changing:  # two at once are both to hold
            group = (await self.find(caller, name)).group
            kept = {field: value for field, value in group.limits.items() if field not in defaults}
            return await self._keep(group, kept | wanted)

    async def reset(self, caller: User, name: str) -> ListedGroup:
        """The group says nothing any more."""
        return await self._keep((await self.find(caller, name)).group, {})

    async def _keep(self, group: Group, limits: Limits) -> ListedGroup:
        await self._store.groups.change(group.id, limits)
        self._allowances.forget_groups()
        return await self._listed(Group(group.id, group.name, group.created_at, limits))

    async def _listed(self, group: Group) -> ListedGroup:
        ids = set(await self._store.groups.members(group.id))
        return ListedGroup(group, [user for user in await self._store.users.list() if user.id in ids])

    async def list(self, caller: User) -> list[ListedGroup]:
        require_admin(caller)
        return [await self._listed(group) for group in await self._store.groups.list()]
