"""Logging in by OpenID Connect, from a command line through the user's browser.

    command line            browser                    this server               provider
        │ opens ──────────────▶ GET start ──────────────▶ a page with the code that the command line shows
        │                       POST continue ──────────▶ ──── redirect ──────────▶ the user logs in
        │                       GET callback ◀─────────────────────────────────────┘
        │ ◀── redirect to 127.0.0.1:port with a one-time code ◀─┤ (the user is found, or made)
        └ POST token, with the code and the verifier ─────────▶ an API token

The user confirms on the page, so that a link which somebody sent cannot pass a login on to a port of the sender's; a
cookie binds the three steps to one browser; the verifier (PKCE) binds the code to the command line that asked.
"""

import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sshore.core.choices import Role
from sshore.core.errors import Forbidden, NotFound, Unauthenticated
from sshore.core.names import MAX_NAME_LENGTH
from sshore.core.pkce import code_challenge, confirmation_of
from sshore.core.ports import Clock, IdentityProvider, Store
from sshore.core.users import ProvedIdentity, Token, User
from sshore.services.people.accounts import Accounts, user_disabled
from sshore.services.people.throttle import Throttle, network_of

PATIENCE = timedelta(minutes=10)
CODE_LIFETIME = timedelta(minutes=1)
MAX_PENDING = 1000
FREE_STARTS = 30
"""Logins that an address may begin and not finish before it has to wait: each takes memory, and asks the provider."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login on its way. `confirmation` is shown to the user by the page and by the command line."""

    id: str
    browser: str
    port: int
    challenge: str
    client_state: str
    nonce: str
    verifier: str
    redirect_uri: str
    until: datetime
    network: str = ""
    """Who has begun it, for the throttle."""

    @property
    def confirmation(self) -> str:
        return confirmation_of(self.challenge)


class OidcLogin:
    """Without a `provider` every step is refused."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        clock: Clock,
        provider: IdentityProvider | None,
        *,
        may_create_users: bool,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._provider = provider
        self._may_create_users = may_create_users
        self._attempts: OrderedDict[str, Attempt] = OrderedDict()
        self._codes: OrderedDict[str, tuple[User, str, datetime]] = OrderedDict()
        self._starts = Throttle(clock, FREE_STARTS)

    @property
    def is_configured(self) -> bool:
        return self._provider is not None

    def start(self, port: int, challenge: str, client_state: str, redirect_uri: str, address: str = "") -> Attempt:
        """Begin a login for a command line that listens on a port of its user's loopback.

        Raises:
            Unavailable: this address has begun too many and finished none (``too_many_attempts``).
        """
        self.require_provider()
        network = network_of(address)
        self._starts.attempt(network)
        made = [secrets.token_urlsafe(32) for _ in range(4)]
        until = self._clock.now() + PATIENCE
        attempt = Attempt(
            made[0], made[1], port, challenge, client_state, made[2], made[3], redirect_uri, until, network
        )
        self._attempts[attempt.id] = attempt
        if len(self._attempts) > MAX_PENDING:
            self._attempts.popitem(last=False)
        return attempt

    async def provider_url(self, attempt_id: str, browser: str) -> str:
        """Where the browser goes to log in, once the user has confirmed."""
        attempt = self._find(attempt_id, browser)
        provider = self.require_provider()
        return await provider.authorization_url(attempt.redirect_uri, attempt.id, attempt.nonce, attempt.verifier)

    def take(self, attempt_id: str, browser: str) -> Attempt:
        """The attempt that a callback belongs to; there is one callback only.

        Raises:
            Unauthenticated: there is none, or it is another browser's.
        """
        attempt = self._find(attempt_id, browser)
        del self._attempts[attempt_id]
        return attempt

    async def finish(self, attempt: Attempt, provider_code: str) -> str:
        """Redeem the provider's code and return a one-time code for the command line.

        Raises:
            Unauthenticated: the provider's answer cannot be believed, or the user is disabled.
            Forbidden: nobody here has this identity, and users are not made on their own.
            Unavailable: the provider does not answer.
        """
        provider = self.require_provider()
        proved = await provider.exchange(provider_code, attempt.redirect_uri, attempt.verifier, attempt.nonce)
        user = await self._user(proved)
        if user.disabled:
            raise user_disabled(user)
        self._starts.forget(attempt.network)  # nothing is guessed here: who can log in may do so again
        code = secrets.token_urlsafe(32)
        self._codes[code] = (user, attempt.challenge, self._clock.now() + CODE_LIFETIME)
        if len(self._codes) > MAX_PENDING:
            self._codes.popitem(last=False)
        return code

    async def redeem(self, code: str, verifier: str, token_name: str) -> tuple[Token, str]:
        """An API token for the command line that began the login.

        Raises:
            Unauthenticated: the code is none, was used, is too old, or another command line's.
        """
        self.require_provider()
        user, challenge, until = self._codes.pop(code, (None, "", self._clock.now()))
        right = hmac.compare_digest(code_challenge(verifier), challenge)
        if user is None or not right or until < self._clock.now():
            raise Unauthenticated("the login was not finished in time: try again with sshore login URL --oidc")
        current = await self._store.users.get(user.id)
        if current is None or current.disabled:
            raise user_disabled(user)
        return await self._accounts.create_token(current, token_name)

    def _find(self, attempt_id: str, browser: str) -> Attempt:
        attempt = self._attempts.get(attempt_id)
        if (
            attempt is None
            or attempt.until < self._clock.now()
            or not hmac.compare_digest(attempt.browser.encode(), browser.encode())
        ):
            raise Unauthenticated("this login is not known here, or too old: begin again with sshore login URL --oidc")
        return attempt

    async def _user(self, proved: ProvedIdentity) -> User:
        user = await self._store.users.by_oidc_subject(proved.subject)
        if user is not None:
            return user
        if not self._may_create_users:
            raise Forbidden(
                f"nobody here is {proved.subject}: ask an admin for: sshore user link NAME '{proved.subject}'"
            )
        return await self._accounts.add_proved_user(await self._free_name(proved), Role.MEMBER, proved.subject)

    async def _free_name(self, proved: ProvedIdentity) -> str:
        """A name that nobody has: an existing user is never taken for the same person because of a name."""
        wanted = next(filter(None, map(_as_user_name, proved.names)), "user")
        taken = {user.name for user in await self._store.users.list()}
        names = (wanted, *(f"{wanted[: MAX_NAME_LENGTH - 6]}-{number}" for number in range(2, 10_000)))
        return next(name for name in names if name not in taken)

    def require_provider(self) -> IdentityProvider:
        """The provider.

        Raises:
            NotFound: there is none.
        """
        if self._provider is None:
            raise NotFound("this server has no OpenID Connect provider: log in with a password or a token")
        return self._provider


def _as_user_name(text: str) -> str:
    """As much of a name as a user's name can have; empty when nothing is left."""
    name = "".join(char if char in "abcdefghijklmnopqrstuvwxyz0123456789_.-" else "-" for char in text.lower())
    return name.lstrip("0123456789.-")[:MAX_NAME_LENGTH].rstrip("-.")
