"""Passwords, disabled and removed users, scopes and revocation."""

import asyncio

import pytest
from world import World

from sshore.core.choices import Role, Scope
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable
from sshore.core.users import User
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


async def member_with_password(world: World, name: str) -> User:
    user = await world.member(name)
    await world.passwords.set(world.admin, name, PASSWORD, "", "192.0.2.1")
    return user


async def log_in(world: World, name: str, password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return (await world.passwords.log_in(name, password, address, "laptop"))[1]


async def test_a_password_is_exchanged_for_a_named_token(world: World) -> None:
    bob = await member_with_password(world, "bob")
    identity = await world.accounts.authenticate(await log_in(world, "bob"))
    assert (identity.user.id, identity.token.name, identity.token.scope) == (bob.id, "laptop", Scope.ALL)


async def test_a_wrong_password_an_unknown_user_and_one_without_a_password_are_told_the_same(world: World) -> None:
    await member_with_password(world, "bob")
    said = set()
    for name in ("bob", "nobody", "admin", "", "x" * 5000):
        with pytest.raises(Unauthenticated) as refusal:
            await log_in(world, name, "wrong")
        said.add(repr(refusal.value.problem))
    assert len(said) == 1


async def test_guessing_is_throttled_also_where_the_guess_would_be_right(world: World) -> None:
    await member_with_password(world, "bob")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await log_in(world, "bob", "wrong")
    with pytest.raises(Unavailable) as refusal:
        await log_in(world, "bob")
    assert refusal.value.problem.code is Code.TOO_MANY_ATTEMPTS
    await log_in(world, "bob", address="198.51.100.7")  # whoever guesses elsewhere locks nobody out
    world.clock.advance(seconds=1)
    await log_in(world, "bob")
    await log_in(world, "bob")


async def test_the_hosts_of_one_ipv6_network_are_one_address(world: World) -> None:
    for host in range(30):
        with pytest.raises(Unauthenticated):
            await log_in(world, f"user{host}", address=f"2001:db8::{host:x}")
    with pytest.raises(Unavailable):
        await log_in(world, "another", address="2001:db8::ffff")


async def test_ipv4_hosts_are_told_apart_where_a_socket_takes_both(world: World) -> None:
    for number in range(30):
        with pytest.raises(Unauthenticated):
            await log_in(world, f"user{number}", address="::ffff:192.0.2.1")
    with pytest.raises(Unavailable):
        await log_in(world, "another", address="::ffff:192.0.2.1")
    with pytest.raises(Unauthenticated):
        await log_in(world, "another", address="::ffff:192.0.2.2")


async def test_passwords_are_not_stored_and_must_not_be_short(world: World) -> None:
    await member_with_password(world, "bob")
    assert PASSWORD not in repr(await world.store.users.list())
    stored = await world.store.users.by_name("bob")
    assert stored is not None and stored.password_hash.startswith("$argon2id$")
    assert "argon2" not in repr(stored)
    for bad in ("", "short", "x" * 2000):
        with pytest.raises(InvalidInput):
            await world.passwords.set(world.admin, "bob", bad, "", "")


async def test_changing_ones_own_password_needs_the_current_one(world: World) -> None:
    bob = await world.member("bob")
    await world.passwords.set(bob, "bob", PASSWORD, "", "")
    with pytest.raises(InvalidInput, match="current"):
        await world.passwords.set(bob, "bob", "another one", "guess", "")
    await world.passwords.set(bob, "bob", "another one", PASSWORD, "")
    await log_in(world, "bob", "another one")
    for name in ("admin", "nobody"):
        with pytest.raises(Forbidden):
            await world.passwords.set(bob, name, "another one", "", "")


async def test_a_disabled_user_cannot_come_in_until_enabled_and_the_streams_end(world: World) -> None:
    bob = await member_with_password(world, "bob")
    session = await world.run(bob, "demo", apps=("ssh",))
    secret = await log_in(world, "bob")
    await world.users.change(world.admin, "bob", None, disabled=True)
    assert world.open_streams.revoked == [bob.id]
    for attempt in (
        log_in(world, "bob"),
        world.accounts.authenticate(secret),
        world.streams.authorise_stream(secret, "demo", "ssh"),
    ):
        with pytest.raises(Unauthenticated) as refusal:
            await attempt
        assert refusal.value.problem.code is Code.USER_DISABLED
    with pytest.raises(Conflict, match="enable"):
        await world.accounts.create_token(world.admin, "x", for_user="bob")
    await world.users.change(world.admin, "bob", None, disabled=False)
    assert (await world.streams.authorise_stream(secret, "demo", "ssh")).session_id == session.id


async def test_a_removed_users_sessions_tokens_and_folders_are_gone(world: World) -> None:
    bob = await world.member("bob")
    session = await world.run(bob, "demo", apps=("ssh",))
    folder = await world.folders.create(bob, "data")
    _, secret = await world.accounts.create_token(bob, "laptop")
    with pytest.raises(Conflict, match="--with-data"):
        await world.users.remove(world.admin, "bob", with_data=False)
    assert (await world.accounts.authenticate(secret)).user.id == bob.id
    await world.users.remove(world.admin, "bob", with_data=True)
    assert world.open_streams.revoked == [bob.id, folder.id]
    assert session.id not in world.engine.machine.sessions
    assert not world.sessions_directory(session).exists()
    with pytest.raises(Unauthenticated):
        await world.accounts.authenticate(secret)
    with pytest.raises(NotFound):
        await world.users.remove(world.admin, "bob", with_data=True)
    again = await world.member("bob")
    assert again.id != bob.id
    assert await world.folders.list(again) == []


async def test_there_is_always_an_admin_left(world: World) -> None:
    second = await world.accounts.create_user(world.admin, "root", Role.ADMIN)
    for attempt in (
        world.users.change(second, "root", Role.MEMBER, None),
        world.users.change(second, "root", None, disabled=True),
        world.users.remove(second, "root", with_data=True),
    ):
        with pytest.raises(Conflict, match="another admin"):
            await attempt
    await world.users.change(second, "admin", None, disabled=True)
    with pytest.raises(Unauthenticated):  # who was an admin when the request came in
        await world.users.change(world.admin, "root", None, disabled=True)
    assert (await world.accounts.ensure_admin()).name == "root"


async def test_a_former_admin_is_a_member_at_once(world: World) -> None:
    second = await world.accounts.create_user(world.admin, "root", Role.ADMIN)
    await world.users.change(world.admin, "root", Role.MEMBER, None)
    with pytest.raises(Forbidden):
        await world.users.change(second, "admin", Role.MEMBER, None)


async def test_a_revoked_tokens_streams_end(world: World) -> None:
    token, _ = await world.accounts.create_token(world.admin, "laptop")
    await world.accounts.remove_token(world.admin, token.id)
    assert world.open_streams.revoked == [token.id]


async def test_admins_see_and_revoke_tokens_of_others_and_nobody_else_does(world: World) -> None:
    bob = await world.member("bob")
    token, _ = await world.accounts.create_token(bob, "laptop")
    ann = await world.member("ann")
    with pytest.raises(NotFound):
        await world.accounts.remove_token(ann, token.id)
    for attempt in (world.accounts.list_tokens(ann, "bob"), world.accounts.remove_token(ann, token.id, "bob")):
        with pytest.raises(Forbidden):
            await attempt
    assert await world.accounts.list_tokens(world.admin, "bob") == [token]
    await world.accounts.remove_token(world.admin, token.id, "bob")
    assert await world.accounts.list_tokens(bob) == []


async def test_a_tokens_last_use_is_written_once_a_minute(world: World) -> None:
    _, secret = await world.accounts.create_token(world.admin, "laptop")
    uses = []
    for _ in range(4):
        await world.accounts.authenticate(secret)
        (token,) = await world.accounts.list_tokens(world.admin)
        uses.append(token.last_used_at)
        world.clock.advance(seconds=25)
    assert uses[0] == uses[1] == uses[2] != uses[3]


async def test_a_token_for_reading_opens_no_stream_and_one_for_streams_does(world: World) -> None:
    await world.run(world.admin, "demo", apps=("ssh",))
    _, reading = await world.accounts.create_token(world.admin, "r", scope=Scope.READ)
    token, streaming = await world.accounts.create_token(world.admin, "s", scope=Scope.STREAMS)
    with pytest.raises(Forbidden) as refusal:
        await world.streams.authorise_stream(reading, "demo", "ssh")
    assert refusal.value.problem.code is Code.TOKEN_SCOPE
    grant = await world.streams.authorise_stream(streaming, "demo", "ssh")
    assert (grant.token_id, grant.user_id) == (token.id, world.admin.id)


@pytest.mark.parametrize("lifetime_s", [0, -1, float("nan"), float("inf"), 1e300])
async def test_a_tokens_lifetime_is_one_that_can_be(world: World, lifetime_s: float) -> None:
    with pytest.raises(InvalidInput):
        await world.accounts.create_token(world.admin, "x", expires_in_s=lifetime_s)


@pytest.mark.parametrize("name", ["x" * 101, "two\nlines", "\x1b[31m"])
async def test_a_tokens_name_is_one_that_can_be_shown(world: World, name: str) -> None:
    with pytest.raises(InvalidInput):
        await world.accounts.create_token(world.admin, name)


async def test_users_who_are_made_at_once_have_uids_of_their_own(world: World) -> None:
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(world.member(f"user{number}")) for number in range(20)]
    assert len({task.result().host_uid for task in made}) == 20


async def test_the_first_token_lives_a_day_and_is_then_forgotten(world: World) -> None:
    first = await world.accounts.create_first_token()
    assert (await world.accounts.authenticate(first)).user.name == "admin"
    assert not await world.accounts.is_new()
    world.clock.advance(hours=24)
    with pytest.raises(Unauthenticated) as refusal:
        await world.accounts.authenticate(first)
    assert refusal.value.problem.code is Code.TOKEN_EXPIRED
    assert await world.accounts.is_new(), "else nobody could log in any more"
    await world.accounts.create_first_token()
    assert len(await world.accounts.list_tokens(world.admin)) == 1


async def test_a_new_password_can_end_what_the_old_one_has_opened(world: World) -> None:
    bob = await member_with_password(world, "bob")
    here, elsewhere = [await log_in(world, "bob") for _ in range(2)]
    mine = (await world.accounts.authenticate(here)).token
    lost = (await world.accounts.authenticate(elsewhere)).token
    await world.passwords.set(bob, "bob", "another one", PASSWORD, "", revoke_but=mine.id)
    assert (await world.accounts.authenticate(here)).token.id == mine.id
    with pytest.raises(Unauthenticated):
        await world.accounts.authenticate(elsewhere)
    assert lost.id in world.open_streams.revoked and mine.id not in world.open_streams.revoked
