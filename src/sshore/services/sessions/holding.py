"""What changes at once when a user's allowance becomes another: the kernel's bounds, and who waits no longer."""

from collections.abc import Iterable

from sshore.core.users import User
from sshore.services.folders.usage import FolderUsage
from sshore.services.sessions.homes import Homes
from sshore.services.sessions.lifecycle import Lifecycle


class Holding:
    def __init__(self, usage: FolderUsage, homes: Homes, lifecycle: Lifecycle) -> None:
        self._usage = usage
        self._homes = homes
        self._lifecycle = lifecycle

    async def renew(self, users: Iterable[User]) -> None:
        """Hold what the users' allowances say now; what runs goes on."""
        self._lifecycle.place()
        for user in users:
            await self._usage.hold(user)
            await self._homes.hold_all(user.id)
