"""What a new server makes of the sessions that its predecessor left."""

import dataclasses
from pathlib import Path

import pytest
from world import open_world

from fakes.engine import FakeMachine
from sshore.core.ids import SessionId
from sshore.core.sessions import SessionSpec
from sshore.core.states import SessionState

pytestmark = pytest.mark.anyio


async def test_running_sessions_are_adopted_and_watched(tmp_path: Path) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine) as before:
        session = await before.run(before.admin, "demo")
        started = machine.sessions[session.id]
    async with open_world(tmp_path, machine) as after:
        adopted = await after.session(after.admin, "demo")
        assert adopted.state is SessionState.RUNNING
        assert machine.sessions[session.id] is started
        after.engine.end(session.id, "gone")
        while (adopted := await after.session(after.admin, "demo")).state is SessionState.RUNNING:
            await after.sessions.settled(adopted, 0.01)
        assert adopted.reason == "gone"


async def test_a_session_that_ended_meanwhile_is_not_said_to_run(tmp_path: Path) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine) as before:
        session = await before.run(before.admin, "demo")
        machine.sessions[session.id].reason = "ended while nobody looked"
        machine.sessions[session.id].ended.set()
        del before.lifecycle._tasks[session.id]
    async with open_world(tmp_path, machine) as after:
        while (found := await after.session(after.admin, "demo")).state is SessionState.RUNNING:
            await after.sessions.settled(found, 0.01)
        assert found.state is SessionState.FAILED


@pytest.mark.parametrize("state", [SessionState.STARTING, SessionState.PENDING])
async def test_what_was_starting_starts(tmp_path: Path, state: SessionState) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine) as before:
        session = await before.run(before.admin, "demo")
        await before.engine.remove(session.id)
        half_way = dataclasses.replace(session, state=state)
    async with open_world(tmp_path, machine) as between:
        await between.store.sessions.update(half_way)
    async with open_world(tmp_path, machine) as after:
        settled = await after.sessions.settled(await after.session(after.admin, "demo"), 5)
        assert settled.state is SessionState.RUNNING


async def test_what_was_stopping_stops(tmp_path: Path) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine) as before:
        session = await before.run(before.admin, "demo")
    async with open_world(tmp_path, FakeMachine()) as between:
        await between.store.sessions.update(dataclasses.replace(session, state=SessionState.STOPPING))
    async with open_world(tmp_path, machine) as after:
        settled = await after.sessions.settled(await after.session(after.admin, "demo"), 5)
        assert settled.state is SessionState.STOPPED


async def test_processes_of_a_session_in_no_record_are_ended(tmp_path: Path) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine) as before:
        session = await before.run(before.admin, "demo")
        home, run = tmp_path, tmp_path
        orphan = SessionSpec(SessionId("orphan"), "x", home, run, tmp_path, tmp_path)
        await before.engine.start(orphan)
    async with open_world(tmp_path, machine) as after:
        await after.run(after.admin, "other")
        assert set(machine.sessions) == {session.id, (await after.session(after.admin, "other")).id}
