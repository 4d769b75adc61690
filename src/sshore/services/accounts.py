"""Users and API tokens: who is calling."""

from datetime import timedelta

from sshore.core.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from sshore.core.ids import TokenId, UserId, new_id
from sshore.core.names import check_user_name
from sshore.core.ports import Clock, Store
from sshore.core.users import Role, Token, User, hash_secret, new_secret
from sshore.wire.problems import Code

ADMIN_NAME = "admin"
FIRST_HOST_UID = 1_900_000_000
"""Owners' uids where the server is root: above the ranges of subuid(5) and of systemd's containers."""


class Accounts:
    """Knows users by their tokens; makes both."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def authenticate(self, secret: str) -> User:
        """The user whose token this is.

        Raises:
            Unauthenticated: it is missing or unknown, or it has expired (``token_expired``).
        """
        if not secret:
            raise Unauthenticated("no API token was sent: log in with sshore login URL --token TOKEN")
        found = await self._store.tokens.by_hash(hash_secret(secret))
        if found is None:
            raise Unauthenticated("the API token is not known here: log in again with sshore login URL --token TOKEN")
        token, user = found
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            raise Unauthenticated(
                f"the API token {token.name!r} has expired: log in again with sshore login URL --token TOKEN",
                code=Code.TOKEN_EXPIRED,
            )
        return user

    async def ensure_admin(self) -> User:
        """The first user, made when there is none yet."""
        admin = await self._store.users.by_name(ADMIN_NAME)
        return admin or await self._add_user(ADMIN_NAME, Role.ADMIN)

    async def create_user(self, caller: User, name: str, role: Role) -> User:
        require_admin(caller)
        return await self._add_user(check_user_name(name), role)

    async def list_users(self, caller: User) -> list[User]:
        require_admin(caller)
        return await self._store.users.list()

    async def create_token(
        self, caller: User, name: str, for_user: str = "", expires_in_s: float | None = None
    ) -> tuple[Token, str]:
        """A new token and its secret, which is not kept. Only an admin makes one for somebody else.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user. InvalidInput: it would never be valid.
        """
        user = caller
        if for_user and for_user != caller.name:
            require_admin(caller)
            found = await self._store.users.by_name(for_user)
            if found is None:
                raise NotFound(f"there is no user {for_user!r}")
            user = found
        if expires_in_s is not None and expires_in_s <= 0:
            raise InvalidInput("a token must be valid for more than 0 seconds", field="expires_in_s")
        now = self._clock.now()
        expires_at = None if expires_in_s is None else now + timedelta(seconds=expires_in_s)
        secret = new_secret()
        token = Token(TokenId(new_id()), user.id, name or "token", hash_secret(secret), now, expires_at)
        await self._store.tokens.add(token)
        return token, secret

    async def list_tokens(self, caller: User) -> list[Token]:
        return await self._store.tokens.list(caller.id)

    async def remove_token(self, caller: User, token_id: str) -> None:
        if not await self._store.tokens.remove(caller.id, TokenId(token_id)):
            raise NotFound(f"you have no token {token_id!r}; see sshore token ls")

    async def _add_user(self, name: str, role: Role) -> User:
        highest = await self._store.users.highest_host_uid()
        host_uid = FIRST_HOST_UID if highest is None else highest + 1
        user = User(UserId(new_id()), name, role, host_uid, self._clock.now())
        await self._store.users.add(user)
        return user


def require_admin(user: User) -> None:
    """Let admins pass.

    Raises:
        Forbidden: the user is none.
    """
    if user.role is not Role.ADMIN:
        raise Forbidden("only an admin may do this")
