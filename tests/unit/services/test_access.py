"""Who may do what: users, tokens, streams, apps, folders and settings."""

import pytest
from world import World

from sshore.core.choices import Role
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound, QuotaExceeded, Unauthenticated
from sshore.services.people import accounts
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio


async def test_a_token_speaks_for_its_user_until_it_is_removed_or_expires(world: World) -> None:
    bob = await world.member("bob")
    token, secret = await world.accounts.create_token(bob, "laptop", expires_in_s=60)
    assert (await world.accounts.authenticate(secret)).user.name == "bob"
    world.clock.advance(seconds=60)
    with pytest.raises(Unauthenticated) as refusal:
        await world.accounts.authenticate(secret)
    assert refusal.value.problem.code is Code.TOKEN_EXPIRED
    await world.accounts.remove_token(bob, token.id)
    with pytest.raises(Unauthenticated, match="not known"):
        await world.accounts.authenticate(secret)


async def test_secrets_are_not_stored(world: World) -> None:
    token, secret = await world.accounts.create_token(world.admin, "laptop")
    assert secret not in repr(await world.store.tokens.list(world.admin.id))
    assert token.secret_hash != secret


async def test_members_make_no_users_and_no_tokens_for_others(world: World) -> None:
    bob = await world.member("bob")
    with pytest.raises(Forbidden):
        await world.accounts.create_user(bob, "eve", Role.ADMIN)
    with pytest.raises(Forbidden):
        await world.accounts.create_token(bob, "x", for_user="admin")
    with pytest.raises(Forbidden):
        await world.sessions.list(bob, everyone=True)


async def test_owners_have_host_uids_of_their_own(world: World) -> None:
    uids = {(await world.member(name)).host_uid for name in ("ann", "bob", "eve")}
    assert len(uids | {world.admin.host_uid}) == 4
    assert min(uids) > 1_000_000_000


async def test_a_stream_needs_a_token_an_own_session_and_a_launched_app(world: World) -> None:
    session = await world.run(world.admin, "demo")
    _, mine = await world.accounts.create_token(world.admin, "mine")
    _, bobs = await world.accounts.create_token(await world.member("bob"), "bobs")
    for token, kind, code in (
        ("", Unauthenticated, Code.UNAUTHENTICATED),
        (bobs, NotFound, Code.NOT_FOUND),
        (mine, Conflict, Code.APP_NOT_LAUNCHED),
    ):
        with pytest.raises(kind) as refusal:
            await world.streams.authorise_stream(token, "demo", "ssh")
        assert refusal.value.problem.code is code
    assert "sshore app start demo ssh" in refusal.value.problem.detail
    with pytest.raises(Conflict, match="sshore app start demo ssh"):
        await world.streams.authorise_stream(mine, "demo", "check")
    await world.apps.start(session, "ssh")
    for app in ("ssh", "check"):
        assert (await world.streams.authorise_stream(mine, "demo", app)).session_id == session.id


async def test_a_stopped_session_refuses_streams_and_says_how_to_start_it(world: World) -> None:
    session = await world.run(world.admin, "demo", apps=("ssh",))
    _, token = await world.accounts.create_token(world.admin, "mine")
    await world.sessions.stop(session)
    with pytest.raises(Conflict, match="sshore start demo"):
        await world.streams.authorise_stream(token, "demo", "ssh")


async def test_an_agent_token_parks_links_of_its_session_and_nothing_else(world: World) -> None:
    session = await world.run(world.admin, "demo")
    config = (world.state / "sessions" / session.id / "run" / "agent.json").read_text()
    token = config.split('"token": "')[1].split('"')[0]
    assert (await world.streams.authorise_link(token)).session_id == session.id
    with pytest.raises(Unauthenticated):
        await world.accounts.authenticate(token)
    for other in ("", "sshore_x"):
        with pytest.raises(Unauthenticated):
            await world.streams.authorise_link(other)
    await world.sessions.stop(session)
    with pytest.raises(Unauthenticated, match="stopped"):
        await world.streams.authorise_link(token)


async def test_launching_is_remembered_until_the_app_is_stopped(world: World) -> None:
    session = await world.run(world.admin, "demo")
    await world.apps.start(session, "ssh")
    await world.apps.start(session, "ssh")
    assert (await world.session(world.admin, "demo")).launched == ("ssh",)
    assert [status.launched for status in await world.apps.list(session)] == [True]
    await world.apps.stop(session, "ssh")
    assert (await world.session(world.admin, "demo")).launched == ()


async def test_an_unknown_app_is_answered_with_those_that_are(world: World) -> None:
    session = await world.run(world.admin, "demo")
    with pytest.raises(NotFound, match="apps: ssh"):
        await world.apps.start(session, "editor")
    with pytest.raises(NotFound, match="did you mean ssh"):
        await world.apps.start(session, "sshd")


async def test_user_folders_go_into_every_session_and_others_where_they_are_mounted(world: World) -> None:
    for name in (".ssh", "data"):
        await world.folders.create(world.admin, name)
    session = await world.run(world.admin, "demo")
    mounted = world.engine.machine.sessions[session.id].spec.mounts
    assert [(mount.source.name, mount.target) for mount in mounted] == [(".ssh", "/home/work/.ssh")]
    with pytest.raises(Conflict, match="demo"):
        await world.folders.remove(world.admin, ".ssh")
    await world.folders.remove(world.admin, "data")
    with pytest.raises(NotFound):
        await world.folders.remove(await world.member("bob"), ".ssh")


async def test_settings_are_checked_warned_of_and_reset(world: World) -> None:
    with pytest.raises(InvalidInput):
        await world.settings.set(world.admin, "preferred-ssh-port", "70000")
    with pytest.raises(NotFound, match="did you mean key-type"):
        await world.settings.set(world.admin, "key-typ", "rsa")
    assert "10000-65000" in (await world.settings.set(world.admin, "preferred-ssh-port", "222")).warning
    stored = await world.store.users.get(world.admin.id)
    assert stored is not None and world.settings.get(stored, "preferred-ssh-port").value == "222"
    await world.settings.set(world.admin, "preferred-ssh-port", "")
    stored = await world.store.users.get(world.admin.id)
    assert stored is not None and stored.settings == {}


async def test_there_is_an_end_to_tokens_and_those_that_have_ended_make_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "MOST_TOKENS", 2)
    bob = await world.member("bob")
    await world.accounts.create_token(bob, "short", expires_in_s=60)
    await world.accounts.create_token(bob, "long")
    with pytest.raises(QuotaExceeded, match="sshore token rm"):
        await world.accounts.create_token(bob, "one more")
    world.clock.advance(seconds=60)
    await world.accounts.create_token(bob, "one more")
    assert [token.name for token in await world.accounts.list_tokens(bob)] == ["long", "one more"]
