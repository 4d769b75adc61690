"""Sessions as owners use them: made whole or not at all, found by nobody else, truly reported."""

import asyncio
from pathlib import Path

import pytest
from world import World, open_world

from fakes.engine import FakeEngine, FakeMachine
from sshore.core.errors import Conflict, EngineFailed, InvalidInput, NotFound, SshoreError
from sshore.core.sessions import Mount, Resources, SessionSpec
from sshore.core.states import SessionState
from sshore.services.sessions.setup import NewSession
from sshore.wire.problems import Code

pytestmark = pytest.mark.anyio


async def test_a_session_runs_once_its_agent_is_linked(world: World) -> None:
    session = await world.run(world.admin, "demo")
    assert session.state is SessionState.RUNNING
    assert (world.state / "sessions" / session.id / "home" / "id_container").read_text() == session.private_key


async def test_run_files_trust_this_sessions_keys_only(world: World) -> None:
    session = await world.run(world.admin, "demo")
    run = world.state / "sessions" / session.id / "run"
    keys = world.sessions.keys(session)
    assert (run / "authorized_keys").read_text().startswith(keys.public_key)
    assert (run / "principals").read_text() == f"{session.id}\n"
    assert {path.stat().st_mode & 0o077 for path in run.iterdir() if path.is_file()} == {0}


async def test_every_session_has_keys_of_its_own(world: World) -> None:
    one, two = await world.run(world.admin, "one"), await world.run(world.admin, "two")
    assert one.private_key != two.private_key
    assert one.host_key_fingerprint != two.host_key_fingerprint


@pytest.mark.parametrize(
    ("name", "wanted", "kind"),
    [
        ("No Name", {}, InvalidInput),
        ("demo", {"mounts": (Mount("data", "/home/work/data"),)}, NotFound),
        ("demo", {"resources": Resources(cpus=400)}, Conflict),
    ],
)
async def test_a_refused_session_leaves_nothing(
    world: World, name: str, wanted: dict[str, object], kind: type[SshoreError]
) -> None:
    with pytest.raises(kind):
        await world.run(world.admin, name, **wanted)
    assert await world.store.sessions.list() == []
    assert list((world.state / "sessions").iterdir()) == []


class FailingEngine(FakeEngine):
    async def start(self, spec: SessionSpec) -> None:
        raise EngineFailed("the sandbox did not start")


async def test_a_session_that_does_not_start_leaves_its_reason_and_nothing_else(tmp_path: Path) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine, FailingEngine(machine)) as world:
        with pytest.raises(EngineFailed, match="the sandbox did not start"):
            await world.run(world.admin, "demo")
        assert await world.store.sessions.list() == []
        assert list((tmp_path / "sessions").iterdir()) == []


async def test_names_are_unique_for_one_owner_only(world: World) -> None:
    await world.run(world.admin, "demo")
    with pytest.raises(Conflict) as refusal:
        await world.run(world.admin, "demo")
    assert refusal.value.problem.code is Code.NAME_TAKEN
    assert (await world.run(await world.member("bob"), "demo")).state is SessionState.RUNNING


async def test_a_session_of_somebody_else_is_not_found(world: World) -> None:
    session = await world.run(world.admin, "secret")
    bob = await world.member("bob")
    for ref in ("secret", session.id):
        with pytest.raises(NotFound):
            await world.sessions.find(bob, ref)
    assert await world.sessions.list(bob, everyone=False) == []


async def test_an_unknown_name_is_answered_with_a_likely_one(world: World) -> None:
    await world.run(world.admin, "training")
    with pytest.raises(NotFound, match="did you mean training"):
        await world.sessions.find(world.admin, "trainning")


async def test_a_session_waits_for_room_and_says_for_what(world: World) -> None:
    await world.run(world.admin, "big", resources=Resources(cpus=3))
    waiting = await world.run(world.admin, "next", resources=Resources(cpus=2))
    assert waiting.state is SessionState.PENDING
    assert "2 CPUs (1 of 4 are free)" in waiting.reason
    await world.sessions.stop(await world.session(world.admin, "big"))
    placed = await world.sessions.settled(waiting, 5)
    while placed.state is SessionState.PENDING:
        placed = await world.sessions.settled(waiting, 5)
    assert placed.state is SessionState.RUNNING


async def test_a_small_session_does_not_overtake_a_waiting_one_for_the_same_room(world: World) -> None:
    await world.run(world.admin, "big", resources=Resources(cpus=3))
    await world.run(world.admin, "next", resources=Resources(cpus=2))
    assert (await world.run(world.admin, "small", resources=Resources(cpus=1))).state is SessionState.PENDING
    assert (await world.run(world.admin, "free")).state is SessionState.RUNNING


async def test_a_session_that_ends_by_itself_says_why_and_starts_again(world: World) -> None:
    session = await world.run(world.admin, "demo")
    world.engine.end(session.id, "its agent was killed by signal 9")
    while (ended := await world.session(world.admin, "demo")).state is SessionState.RUNNING:
        await world.sessions.settled(ended, 0.01)
    assert (ended.state, ended.reason) == (SessionState.FAILED, "its agent was killed by signal 9")
    again = await world.sessions.start(ended, 5)
    assert again.state is SessionState.RUNNING
    assert again.private_key == session.private_key


async def test_stop_and_start_keep_the_home(world: World) -> None:
    session = await world.run(world.admin, "demo")
    note = world.state / "sessions" / session.id / "home" / "note"
    note.write_text("kept")
    stopped = await world.sessions.stop(session)
    assert stopped.state is SessionState.STOPPED
    assert (await world.sessions.start(stopped, 5)).state is SessionState.RUNNING
    assert note.read_text() == "kept"


async def test_a_running_session_is_removed_only_by_force(world: World) -> None:
    session = await world.run(world.admin, "demo")
    with pytest.raises(Conflict, match="--force"):
        await world.sessions.remove(session, force=False)
    await world.sessions.remove(session, force=True)
    assert await world.store.sessions.list() == []
    assert world.engine.machine.sessions == {}


async def test_without_waiting_a_session_is_returned_as_it_is(world: World) -> None:
    wanted = NewSession("demo", world.engine.name)
    assert (await world.sessions.create(world.admin, wanted, wait_s=0)).state is SessionState.PENDING


async def test_a_session_may_be_removed_twice_at_once(world: World) -> None:
    session = await world.run(world.admin, "demo")
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(world.sessions.remove(session, force=True))
    assert await world.sessions.list(world.admin, everyone=False) == []


@pytest.mark.parametrize("in_place", ["a directory", "another name that the server uses"])
async def test_a_session_starts_whatever_its_owner_made_of_the_keys_place(world: World, in_place: str) -> None:
    session = await world.run(world.admin, "demo")
    await world.sessions.stop(session)
    home = world.sessions_directory(session) / "home"
    key = home / "id_container"
    key.unlink()
    if in_place == "a directory":
        (key / "inner").mkdir(parents=True)
    else:
        (home / ".id_container.sshore-new").mkdir()
    started = await world.sessions.start(await world.session(world.admin, "demo"), 5)
    assert started.state is SessionState.RUNNING
    assert key.read_text() == session.private_key
