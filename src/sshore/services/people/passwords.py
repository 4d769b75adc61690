"""Passwords: setting them, and logging in with one for an API token."""

from sshore.core.errors import InvalidInput, Unauthenticated
from sshore.core.ids import TokenId
from sshore.core.names import MAX_NAME_LENGTH
from sshore.core.ports import PasswordHasher, Store
from sshore.core.users import Token, User
from sshore.services.people.accounts import Accounts, require_admin, user_disabled
from sshore.services.people.find_user import find_user
from sshore.services.people.throttle import LoginThrottle, network_of

MIN_LENGTH = 8
MAX_LENGTH = 1024


class Passwords:
    def __init__(self, store: Store, accounts: Accounts, hasher: PasswordHasher, throttle: LoginThrottle) -> None:
        self._store = store
        self._accounts = accounts
        self._hasher = hasher
        self._throttle = throttle

    async def log_in(self, name: str, password: str, address: str, token_name: str) -> tuple[Token, str]:
        """A new token for a user who knows the password, and its secret.

        Nothing in the answer or its time tells a name that exists from one that does not.

        Raises:
            Unauthenticated: name or password are wrong; or the password is right, and the user disabled.
            Unavailable: there were too many attempts (``too_many_attempts``).
        """
        user = await self._check(name, password, address)
        if user is None:
            raise Unauthenticated("the user name or the password is wrong")
        if user.disabled:
            raise user_disabled(user)
        return await self._accounts.create_token(user, token_name)

    async def set(
        self, caller: User, name: str, password: str, current: str, address: str, revoke_but: TokenId | None = None
    ) -> None:
        """Set the caller's own password, who has to know the current one if there is one; or, as admin, another's.
        With `revoke_but` all of this user's API tokens but that one end with the old password.

        Raises:
            Forbidden: it is another's, and the caller no admin. NotFound: there is no such user.
            InvalidInput: it cannot be a password, or the current one is wrong.
            Unavailable: there were too many attempts at the current one.
        """
        if name != caller.name:
            require_admin(caller)
        user = await find_user(self._store, name)
        check_password(password)
        if name == caller.name and user.password_hash and not await self._check(name, current, address):
            raise InvalidInput("the current password is wrong", field="current")
        await self._store.users.change(user.id, password_hash=await self._hasher.hash(password))
        if revoke_but is not None:
            await self._accounts.remove_other_tokens(user, revoke_but)

    async def _check(self, name: str, password: str, address: str) -> User | None:
        """The user of this name, if the password is right."""
        who = name[:MAX_NAME_LENGTH], network_of(address)
        self._throttle.attempt(*who)
        user = await self._store.users.by_name(name)
        right = await self._hasher.verify(user.password_hash if user else "", password[: MAX_LENGTH + 1])
        if not right:
            return None
        self._throttle.succeeded(*who)
        return user


def check_password(password: str) -> str:
    """Refuse what cannot be a password.

    Raises:
        InvalidInput: it is too short, or too long to be typed.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInput(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters", field="password")
    return password
