"""Own keys in the sessions of their owner; user files and bootstrap scripts in what is made for sessions."""

import asyncio
import json
from pathlib import Path

import pytest
from world import World

from sshore.core.choices import KeyType
from sshore.core.errors import InvalidInput, NotFound, QuotaExceeded
from sshore.core.keys import new_private_key, public_line
from sshore.core.own_keys import MAX_OWN_KEYS
from sshore.core.sessions import Session
from sshore.core.user_files import MAX_FILES

pytestmark = pytest.mark.anyio


def new_key() -> str:
    return public_line(new_private_key(KeyType.ED25519))


def run_file(world: World, session: Session, name: str) -> Path:
    return world.state / "sessions" / session.id / "run" / name


def authorized(world: World, session: Session) -> list[str]:
    text = run_file(world, session, "authorized_keys").read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


async def test_a_key_is_in_all_sessions_of_its_owner_and_in_nobody_elses(world: World) -> None:
    ann, bob = await world.member("ann"), await world.member("bob")
    one, two, foreign = await world.run(ann, "one"), await world.run(ann, "two"), await world.run(bob, "one")
    before = authorized(world, foreign)
    key, is_new = await world.own_keys.add(ann, f"{new_key()} laptop")
    assert is_new and key.name == "laptop"
    for session in (one, two, await world.run(ann, "later")):
        assert authorized(world, session)[1:] == [key.public_key]
    assert authorized(world, foreign) == before
    with pytest.raises(NotFound):
        await world.own_keys.remove(bob, key.id)
    await world.own_keys.remove(ann, "laptop")
    for session in (one, two):
        assert authorized(world, session) == [public_line(session.private_key, "id_container")]


async def test_a_key_that_is_removed_from_a_stopped_session_does_not_come_back_with_it(world: World) -> None:
    ann = await world.member("ann")
    session = await world.run(ann, "one")
    key, _ = await world.own_keys.add(ann, new_key())
    await world.sessions.stop(await world.session(ann, "one"))
    await world.own_keys.remove(ann, key.fingerprint)
    assert key.public_key not in authorized(world, session)
    await world.sessions.start(await world.session(ann, "one"), 5)
    assert key.public_key not in authorized(world, session)


async def test_a_key_can_be_removed_while_its_sessions_agent_is_out_of_touch(world: World) -> None:
    ann = await world.member("ann")
    session = await world.run(ann, "one")
    key, _ = await world.own_keys.add(ann, new_key())
    world.links.silent = True
    await world.own_keys.remove(ann, key.id)
    assert key.public_key not in authorized(world, session)
    world.links.silent = False


async def test_the_same_key_twice_is_one_and_two_owners_may_have_it(world: World) -> None:
    ann, bob = await world.member("ann"), await world.member("bob")
    line = new_key()
    first, _ = await world.own_keys.add(ann, line, "first")
    again, is_new = await world.own_keys.add(ann, f"{line} other comment", "second")
    assert (again, is_new) == (first, False)
    assert (await world.own_keys.add(bob, line))[1]
    assert len(await world.own_keys.list(ann)) == 1


async def test_there_is_an_end_to_keys(world: World) -> None:
    ann = await world.member("ann")
    for _ in range(MAX_OWN_KEYS):
        await world.own_keys.add(ann, new_key())
    with pytest.raises(QuotaExceeded, match="sshore keys rm"):
        await world.own_keys.add(ann, new_key())


async def test_a_name_or_comment_adds_no_line_to_authorized_keys(world: World) -> None:
    ann = await world.member("ann")
    session = await world.run(ann, "one")
    await world.own_keys.add(ann, new_key(), f"x\n{new_key()}\n\u2028\x85y")
    assert len(authorized(world, session)) == 2


async def test_user_files_come_into_new_homes_only_and_stay_below_them(world: World) -> None:
    ann = await world.member("ann")
    old = await world.run(ann, "old")
    await world.user_files.put(ann, ".config/app/rc", b"mine\0\xff")
    await world.user_files.put(ann, "bin/tool", b"#!/bin/sh\n", executable=True)
    new = await world.run(ann, "new")
    home = world.state / "sessions" / new.id / "home"
    assert (home / ".config/app/rc").read_bytes() == b"mine\0\xff"
    modes = [(home / name).stat().st_mode & 0o777 for name in (".config", ".config/app/rc", "bin/tool")]
    assert modes == [0o700, 0o600, 0o700]
    assert not (world.state / "sessions" / old.id / "home" / "bin").exists()
    for trick in ("../run/agent.json", "/etc/passwd", "a/../../x"):
        with pytest.raises(InvalidInput):
            await world.user_files.put(ann, trick, b"")


async def test_there_is_an_end_to_user_files_but_not_to_changing_them(world: World) -> None:
    ann = await world.member("ann")
    for number in range(MAX_FILES):
        await world.user_files.put(ann, f"file{number}", b"old")
    with pytest.raises(QuotaExceeded):
        await world.user_files.put(ann, "one-more", b"")
    await world.user_files.put(ann, "file0", b"new")
    assert (await world.user_files.get(ann, "file0")).content == b"new"


async def test_a_bootstrap_script_is_there_while_it_is_on(world: World) -> None:
    ann = await world.member("ann")

    async def told(name: str) -> tuple[bool, str]:
        session = await world.run(ann, name)
        config = json.loads(run_file(world, session, "agent.json").read_text())
        return bool(config["bootstrap"]), run_file(world, session, "bootstrap").read_text()

    assert await told("none") == (False, "")
    await world.bootstraps.set(ann, "echo hello\n")
    assert await told("on") == (True, "echo hello\n")
    await world.bootstraps.switch(ann, enabled=False)
    assert await told("off") == (False, "")
    assert (await world.bootstraps.get(ann)).script == "echo hello\n"
    await world.bootstraps.remove(ann)
    with pytest.raises(NotFound, match="sshore bootstrap set"):
        await world.bootstraps.get(ann)


async def test_an_agent_that_refuses_nonsensically_ends_nothing_but_its_own_update(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await world.member("ann")
    session = await world.run(ann, "one")
    asked = asyncio.Event()

    async def nonsense(*_arguments: object) -> None:
        asked.set()
        raise TypeError("an agent's refusal that cannot be read")

    monkeypatch.setattr(world.links, "wait_linked", nonsense)
    world.links.silent = True
    await world.own_keys.add(ann, new_key())  # the agent is told later
    async with asyncio.timeout(5):
        await asked.wait()
    world.links.silent = False
    await world.own_keys.add(ann, new_key())
    assert len(authorized(world, session)) == 3
