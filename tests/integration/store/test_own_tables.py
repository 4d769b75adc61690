"""Groups, own keys, user files and bootstrap scripts, on SQLite and on PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sshore.core.choices import Role
from sshore.core.errors import Conflict
from sshore.core.groups import Group
from sshore.core.ids import GroupId, OwnKeyId, UserId
from sshore.core.own_keys import OwnKey
from sshore.core.user_files import Bootstrap, FileEntry, UserFile
from sshore.core.users import User
from sshore.store.store import DatabaseStore

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANN, BOB = UserId("ann"), UserId("bob")


@pytest.fixture(autouse=True)
async def _users(store: DatabaseStore) -> None:
    for number, user_id in enumerate((ANN, BOB)):
        await store.users.add(User(user_id, user_id, Role.MEMBER, number, NOON))


def key(key_id: str, owner: UserId, fingerprint: str = "SHA256:x") -> OwnKey:
    return OwnKey(OwnKeyId(key_id), owner, "läptop", "ssh-ed25519", 256, "ssh-ed25519 AAAA", fingerprint, NOON)


async def test_a_key_is_an_owners_once(store: DatabaseStore) -> None:
    first, foreign = key("one", ANN), key("two", BOB)
    await store.own_keys.add(first)
    await store.own_keys.add(foreign)
    with pytest.raises(Conflict):
        await store.own_keys.add(key("three", ANN))
    assert await store.own_keys.list(ANN) == [first]
    assert not await store.own_keys.remove(ANN, foreign.id)
    assert await store.own_keys.remove(ANN, first.id)
    assert (await store.own_keys.list(ANN), await store.own_keys.list(BOB)) == ([], [foreign])


async def test_a_file_is_replaced_by_one_of_its_name_whoever_writes_at_once(store: DatabaseStore) -> None:
    file = UserFile(ANN, ".config/rc", bytes(range(256)), True, NOON)
    async with asyncio.TaskGroup() as writers:
        for number in range(8):
            writers.create_task(store.user_files.put(replace(file, content=bytes(number))))
    await store.user_files.put(file)
    assert await store.user_files.get(ANN, file.name) == file
    assert await store.user_files.contents(ANN) == [file]
    assert await store.user_files.list(ANN) == [FileEntry(file.name, 256, True, NOON)]
    assert await store.user_files.get(BOB, file.name) is None
    assert await store.user_files.remove(ANN, file.name) and not await store.user_files.remove(ANN, file.name)


async def test_groups_have_members_who_are_gone_with_either(store: DatabaseStore) -> None:
    lab, course = (Group(GroupId(name), name, NOON, {"cpus": 2.5, "gpus": None}) for name in ("lab", "course"))
    for group in (lab, course):
        await store.groups.add(group)
    with pytest.raises(Conflict):
        await store.groups.add(replace(lab, id=GroupId("other")))
    async with asyncio.TaskGroup() as requests:
        for _ in range(4):
            requests.create_task(store.groups.join(lab.id, ANN))
    await store.groups.join(lab.id, BOB)
    await store.groups.join(course.id, ANN)
    assert await store.groups.list() == await store.groups.of(ANN) == [course, lab]
    assert sorted(await store.groups.members(lab.id)) == [ANN, BOB]
    with pytest.raises(Conflict):
        await store.groups.join(GroupId("nosuch"), ANN)
    await store.groups.change(lab.id, {})
    assert await store.groups.by_name("lab") == replace(lab, limits={})
    assert await store.groups.leave(lab.id, ANN) and not await store.groups.leave(lab.id, ANN)
    await store.groups.remove(course.id)
    await store.users.remove(BOB)
    assert await store.groups.of(ANN) == [] and await store.groups.members(lab.id) == []


async def test_a_bootstrap_script_is_one(store: DatabaseStore) -> None:
    script = Bootstrap(ANN, "echo 한국어\n", True, NOON)
    await store.bootstraps.put(replace(script, script="old"))
    await store.bootstraps.put(script)
    assert (await store.bootstraps.get(ANN), await store.bootstraps.get(BOB)) == (script, None)
    assert await store.bootstraps.remove(ANN) and not await store.bootstraps.remove(ANN)
