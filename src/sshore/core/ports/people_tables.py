"""What the database keeps of users: `Store`'s tables, implemented by `store`."""

from datetime import datetime
from typing import Any, Protocol

from sshore.core.allowances import Limits
from sshore.core.groups import Group
from sshore.core.ids import GroupId, OwnKeyId, TokenId, UserId
from sshore.core.own_keys import OwnKey
from sshore.core.user_files import Bootstrap, FileEntry, UserFile
from sshore.core.users import Token, User


class Users(Protocol):
    async def add(self, user: User) -> None:
        """Raises Conflict when the name is taken."""

    async def get(self, user_id: UserId) -> User | None: ...

    async def by_name(self, name: str) -> User | None: ...

    async def by_oidc_subject(self, subject: str) -> User | None: ...

    async def list(self) -> list[User]: ...

    async def set_setting(self, user_id: UserId, name: str, value: str) -> None:
        """Store a setting; an empty value removes it."""

    async def change(self, user_id: UserId, **values: Any) -> None:
        """Change fields of a user: role, disabled, password_hash, oidc_subject."""

    async def remove(self, user_id: UserId) -> None:
        """Forget a user and the user's tokens; sessions and folders must be gone."""


class AllowanceTable(Protocol):
    """What of allowances is the users' own; see `core.allowances`."""

    async def get(self, user_id: UserId) -> dict[str, float | None]: ...

    async def put(self, user_id: UserId, limits: Limits) -> None:
        """Keep these in place of those that there were; none at all forgets them."""


class Groups(Protocol):
    """Groups of users; a member is gone with the user or the group."""

    async def add(self, group: Group) -> None:
        """Raises Conflict when the name is taken."""

    async def by_name(self, name: str) -> Group | None: ...

    async def of(self, user_id: UserId) -> list[Group]:
        """Those that a user is in."""

    async def members(self, group_id: GroupId) -> list[UserId]: ...

    async def change(self, group_id: GroupId, limits: Limits) -> None: ...

    async def remove(self, group_id: GroupId) -> None: ...

    async def join(self, group_id: GroupId, user_id: UserId) -> None:
        """Idempotent. Raises Conflict when the user or the group has been removed meanwhile."""

    async def leave(self, group_id: GroupId, user_id: UserId) -> bool:
        """Whether the user was a member."""

    async def list(self) -> list[Group]: ...


class Tokens(Protocol):
    async def add(self, token: Token) -> None: ...

    async def by_hash(self, secret_hash: str) -> tuple[Token, User] | None: ...

    async def list(self, user_id: UserId) -> list[Token]: ...

    async def remove(self, user_id: UserId, token_id: TokenId) -> bool:
        """Whether there was one."""

    async def touch(self, token_id: TokenId, used_at: datetime) -> None:
        """Note that a token was used."""


class OwnKeys(Protocol):
    async def add(self, key: OwnKey) -> None:
        """Raises Conflict when the owner has registered this key already."""

    async def list(self, owner_id: UserId) -> list[OwnKey]:
        """Oldest first."""

    async def remove(self, owner_id: UserId, key_id: OwnKeyId) -> bool:
        """Whether there was one."""


class UserFiles(Protocol):
    async def put(self, file: UserFile) -> None:
        """Store a file, in the place of the one that has its name."""

    async def get(self, owner_id: UserId, name: str) -> UserFile | None: ...

    async def contents(self, owner_id: UserId) -> list[UserFile]: ...

    async def list(self, owner_id: UserId) -> list[FileEntry]: ...

    async def remove(self, owner_id: UserId, name: str) -> bool:
        """Whether there was one."""


class Bootstraps(Protocol):
    async def put(self, bootstrap: Bootstrap) -> None: ...

    async def get(self, owner_id: UserId) -> Bootstrap | None: ...

    async def remove(self, owner_id: UserId) -> bool:
        """Whether there was one."""
