"""Who is calling: API tokens, made, listed, revoked; and the first users."""

import logging
import secrets
from datetime import datetime, timedelta

from sshore.core.callers import KnownCallers
from sshore.core.choices import Role, Scope
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound, QuotaExceeded, SshoreError, Unauthenticated
from sshore.core.ids import TokenId, UserId, new_id
from sshore.core.names import check_user_name
from sshore.core.ports import Clock, OpenStreams, Store
from sshore.core.users import FIRST_TOKEN, Identity, Token, User, hash_secret, new_secret
from sshore.services.people.find_user import find_user
from sshore.wire.problems import Code

log = logging.getLogger("sshore.accounts")

ADMIN_NAME = "admin"
HOST_UIDS = range(1_900_000_000, 2_147_000_000)
"""Owners' uids where the server is root: above the ranges of subuid(5) and of systemd's containers. One is drawn for
each user, so that nobody inherits the files of a user who was removed, or of another server's."""
LAST_USE_WRITTEN_EVERY = timedelta(minutes=1)
MAX_TOKEN_NAME = 100
MOST_TOKENS = 1000
MAX_LIFETIME_S = 100 * 365 * 86400.0
FIRST_TOKEN_S = 86400.0
"""What a server prints or writes into a file, others may come to read."""
MOST_COMING = 1024
"""Requests of one user that wait for their token to be looked up; of all whose token is not known yet together."""
LOG_IN = "log in again with sshore login URL"


class Accounts:
    """Knows users by their tokens; makes both."""

    def __init__(self, store: Store, clock: Clock, streams: OpenStreams) -> None:
        self._store = store
        self._clock = clock
        self._streams = streams
        self._callers = KnownCallers(MOST_COMING)
        self._noting: set[TokenId] = set()

    async def authenticate(self, secret: str) -> Identity:
        """The user whose token this is, and the token, whose scope is the caller's to heed.

        Raises:
            Unauthenticated: it is missing or unknown, it has expired (``token_expired``), or its user is
                disabled (``user_disabled``).
            Unavailable: too many requests of the user's wait to be known.
        """
        if not secret:
            raise Unauthenticated("no API token was sent: log in with sshore login URL")
        secret_hash = hash_secret(secret)
        with self._callers.coming(secret_hash):
            found = await self._store.tokens.by_hash(secret_hash)
        if found is None:
            raise Unauthenticated(f"the API token is not known here, or was revoked: {LOG_IN}")
        token, user = found
        if _is_over(token, self._clock.now()):
            raise Unauthenticated(f"the API token {token.name!r} has expired: {LOG_IN}", code=Code.TOKEN_EXPIRED)
        if user.disabled:
            raise user_disabled(user)
        self._callers.are_known(secret_hash, user.id)
        await self._note_use(token)
        return Identity(user, token)

    async def ensure_admin(self) -> User:
        """An admin to begin with: the first one who is not disabled, made when there is none yet."""
        users = await self._store.users.list()
        admins = [user for user in users if user.role is Role.ADMIN and not user.disabled]
        named = [user for user in admins if user.name == ADMIN_NAME]
        first = next(iter(named or admins), None)
        return first or await self._add_user(ADMIN_NAME, Role.ADMIN)

    async def is_new(self) -> bool:
        """Whether the first admin has no way to log in: neither a token, a password nor a provider's account."""
        admin = await self.ensure_admin()
        now = self._clock.now()
        tokens = [token for token in await self._store.tokens.list(admin.id) if not _is_over(token, now)]
        return not (admin.password_hash or admin.oidc_subject or tokens)

    async def create_user(self, caller: User, name: str, role: Role) -> User:
        require_admin(caller)
        return await self._add_user(check_user_name(name), role)

    async def list_users(self, caller: User) -> list[User]:
        require_admin(caller)
        return await self._store.users.list()

    async def create_token(
        self,
        caller: User,
        name: str,
        for_user: str = "",
        expires_in_s: float | None = None,
        scope: Scope = Scope.ALL,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is not kept. Only an admin makes one for somebody else.

        Raises:
            Forbidden: the caller is no admin. NotFound: there is no such user. InvalidInput: it would never be
                valid, or its name cannot be. Conflict: the user is disabled. QuotaExceeded: the user has `MOST_TOKENS`.
        """
        user = await self._user(caller, for_user)
        if user.disabled:
            raise Conflict(f"the user {user.name!r} is disabled: sshore user enable {user.name}")
        if len(name) > MAX_TOKEN_NAME or not name.isprintable():
            raise InvalidInput(f"a token's name has at most {MAX_TOKEN_NAME} printable characters", field="name")
        if expires_in_s is not None and not 0 < expires_in_s <= MAX_LIFETIME_S:
            raise InvalidInput("a token is valid for more than 0 seconds and less than 100 years", field="expires_in_s")
        await self._make_room(user)
        now = self._clock.now()
        expires_at = None if expires_in_s is None else now + timedelta(seconds=expires_in_s)
        secret = new_secret()
        token = Token(TokenId(new_id()), user.id, name or "token", hash_secret(secret), now, expires_at, scope)
        await self._store.tokens.add(token)
        return token, secret

    async def _make_room(self, user: User) -> None:
        """Forget the tokens of a user who has many that have ended."""
        tokens, now = await self._store.tokens.list(user.id), self._clock.now()
        if len(tokens) < MOST_TOKENS:
            return
        over = [token for token in tokens if _is_over(token, now)]
        if not over:
            raise QuotaExceeded(
                f"{user.name!r} has {MOST_TOKENS} API tokens, which is the most: remove some with: sshore token rm ID"
            )
        for token in over:
            await self._store.tokens.remove(user.id, token.id)

    async def create_first_token(self) -> str:
        """The secret of a token for the first admin, which lives a day; those that have ended are forgotten."""
        admin, now = await self.ensure_admin(), self._clock.now()
        for token in await self._store.tokens.list(admin.id):
            if token.name == FIRST_TOKEN and _is_over(token, now):
                await self._store.tokens.remove(admin.id, token.id)
        _, secret = await self.create_token(admin, FIRST_TOKEN, expires_in_s=FIRST_TOKEN_S)
        return secret

    async def list_tokens(self, caller: User, of_user: str = "") -> list[Token]:
        """The caller's tokens or, for an admin, another user's."""
        return await self._store.tokens.list((await self._user(caller, of_user)).id)

    async def remove_token(self, caller: User, token_id: str, of_user: str = "") -> None:
        """Revoke a token at once: streams that it has opened end."""
        user = await self._user(caller, of_user)
        if not await self._store.tokens.remove(user.id, TokenId(token_id)):
            whose, option = ("you have", "") if user.id == caller.id else (f"{user.name} has", f" --user {user.name}")
            raise NotFound(f"{whose} no token {token_id!r}; see: sshore token ls{option}")
        self._streams.revoke(TokenId(token_id))

    async def remove_other_tokens(self, user: User, kept: TokenId) -> None:
        """Revoke all of a user's tokens but one, at once: streams that they have opened end."""
        for token in await self._store.tokens.list(user.id):
            if token.id != kept:
                await self._store.tokens.remove(user.id, token.id)
                self._streams.revoke(token.id)

    async def _user(self, caller: User, name: str) -> User:
        if not name or name == caller.name:
            return caller
        require_admin(caller)
        return await find_user(self._store, name)

    async def _note_use(self, token: Token) -> None:
        """Write the last use down, once a minute. What cannot be written keeps nobody out."""
        now = self._clock.now()
        fresh = token.last_used_at is not None and now - token.last_used_at < LAST_USE_WRITTEN_EVERY
        if fresh or token.id in self._noting:
            return
        self._noting.add(token.id)
        try:
            await self._store.tokens.touch(token.id, now)
        except SshoreError as error:
            log.warning("a token's use was not written down", extra={"reason": error.problem.detail})
        finally:
            self._noting.discard(token.id)

    async def add_proved_user(self, name: str, role: Role, oidc_subject: str) -> User:
        """A user whom the OpenID Connect provider knows."""
        return await self._add_user(check_user_name(name), role, oidc_subject)

    async def _add_user(self, name: str, role: Role, oidc_subject: str | None = None) -> User:
        host_uid = secrets.choice(HOST_UIDS)
        user = User(UserId(new_id()), name, role, host_uid, self._clock.now(), oidc_subject=oidc_subject)
        await self._store.users.add(user)
        return user


def _is_over(token: Token, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now


def require_admin(user: User) -> None:
    """Let admins pass.

    Raises:
        Forbidden: the user is none.
    """
    if user.role is not Role.ADMIN:
        raise Forbidden("only an admin may do this")


def user_disabled(user: User) -> Unauthenticated:
    return Unauthenticated(f"the user {user.name!r} is disabled: ask an admin", code=Code.USER_DISABLED)
