"""Logging in at a provider, as far as it can be said without one: whose code, how long, how many."""

import pytest
from world import World

from sshore.core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from sshore.core.pkce import code_challenge
from sshore.core.users import ProvedIdentity
from sshore.services.people import oidc
from sshore.services.people.oidc import Attempt, OidcLogin

pytestmark = pytest.mark.anyio

VERIFIER = "v" * 64


class Provider:
    """Knows the person who comes next."""

    def __init__(self) -> None:
        self.person = ProvedIdentity("https://id.example#1", ("Grace Hopper",))

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        return f"https://id.example/?state={state}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str, nonce: str) -> ProvedIdentity:
        return self.person


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def logins(world: World, provider: Provider) -> OidcLogin:
    return OidcLogin(world.store, world.accounts, world.clock, provider, may_create_users=True)


def start(logins: OidcLogin, address: str = "192.0.2.1") -> Attempt:
    return logins.start(40000, code_challenge(VERIFIER), "client", "https://here/callback", address)


async def finish(logins: OidcLogin) -> str:
    attempt = start(logins)
    return await logins.finish(logins.take(attempt.id, attempt.browser), "from the provider")


async def test_a_code_is_good_once_for_who_asked_and_for_a_minute(world: World, logins: OidcLogin) -> None:
    code = await finish(logins)
    token, secret = await logins.redeem(code, VERIFIER, "laptop")
    assert (await world.accounts.authenticate(secret)).user.name == "grace-hopper"
    assert token.name == "laptop"
    others, late = await finish(logins), await finish(logins)
    world.clock.advance(seconds=61)
    for used, verifier in ((code, VERIFIER), (others, "w" * 64), (others, VERIFIER), (late, VERIFIER), ("", "")):
        with pytest.raises(Unauthenticated):
            await logins.redeem(used, verifier, "laptop")


async def test_an_attempt_is_one_browsers_ends_in_ten_minutes_and_has_one_callback(
    world: World, logins: OidcLogin
) -> None:
    attempt, late = start(logins), start(logins)
    with pytest.raises(Unauthenticated):
        await logins.provider_url(attempt.id, late.browser)
    with pytest.raises(Unauthenticated):
        logins.take(attempt.id, "")
    logins.take(attempt.id, attempt.browser)
    with pytest.raises(Unauthenticated):
        logins.take(attempt.id, attempt.browser)
    world.clock.advance(minutes=11)
    with pytest.raises(Unauthenticated):
        logins.take(late.id, late.browser)


async def test_attempts_that_nobody_ends_fill_no_memory(logins: OidcLogin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "MAX_PENDING", 3)
    attempts = [start(logins) for _ in range(5)]
    for attempt in attempts[2:]:
        logins.take(attempt.id, attempt.browser)
    with pytest.raises(Unauthenticated):
        logins.take(attempts[1].id, attempts[1].browser)


async def test_an_address_that_begins_logins_and_finishes_none_has_to_wait(world: World, logins: OidcLogin) -> None:
    for _ in range(3):
        for _ in range(oidc.FREE_STARTS - 1):
            start(logins)
        await finish(logins)  # an office behind one address, whose people do log in
    with pytest.raises(Unavailable, match="too many attempts"):
        for _ in range(oidc.FREE_STARTS + 1):
            start(logins, "2001:db8::1")
    with pytest.raises(Unavailable):
        start(logins, "2001:db8::2")
    start(logins)
    world.clock.advance(hours=2)
    start(logins, "2001:db8::1")


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (("Grace.Hopper",), "grace.hopper"),
        (("9lives",), "lives"),
        (("한글", "kim"), "kim"),
        (("../../etc",), "etc"),
        (("root\n",), "root"),
        (("x" * 100,), "x" * 40),
        ((), "user"),
        (("admin",), "admin-2"),
    ],
)
async def test_whatever_the_provider_calls_somebody_the_name_is_a_users_and_free(
    world: World, logins: OidcLogin, provider: Provider, names: tuple[str, ...], name: str
) -> None:
    provider.person = ProvedIdentity("https://id.example#2", names)
    await finish(logins)
    user = await world.store.users.by_oidc_subject("https://id.example#2")
    assert user is not None
    assert user.name == name


async def test_who_is_disabled_between_login_and_token_gets_none(world: World, logins: OidcLogin) -> None:
    code = await finish(logins)
    await world.users.change(world.admin, "grace-hopper", None, disabled=True)
    with pytest.raises(Unauthenticated, match="disabled"):
        await logins.redeem(code, VERIFIER, "laptop")


async def test_users_are_made_only_where_that_is_wanted(world: World, provider: Provider) -> None:
    strict = OidcLogin(world.store, world.accounts, world.clock, provider, may_create_users=False)
    with pytest.raises(Forbidden, match="sshore user link"):
        await finish(strict)
    bob = await world.member("bob")
    await world.users.link(world.admin, "bob", "https://id.example#1")
    _, secret = await strict.redeem(await finish(strict), VERIFIER, "laptop")
    assert (await world.accounts.authenticate(secret)).user.id == bob.id
    with pytest.raises(Forbidden):
        await world.users.link(bob, "bob", "https://id.example#3")


async def test_without_a_provider_there_is_no_login(world: World) -> None:
    with pytest.raises(NotFound):
        start(OidcLogin(world.store, world.accounts, world.clock, None, may_create_users=True))
