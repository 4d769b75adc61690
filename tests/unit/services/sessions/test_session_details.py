"""What `sshore show` tells of one session beyond its record: by its engine and its agent, who may not answer."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from world import open_world

from fakes.engine import FakeMachine
from sshore.core.errors import Unavailable
from sshore.core.sessions import NO_KILLS, MemoryKills
from sshore.services.sessions.details import NO_DETAILS, SessionDetailsService

pytestmark = pytest.mark.anyio


async def test_programs_ended_for_want_of_memory_are_told_while_the_session_runs(tmp_path: Path) -> None:
    machine = FakeMachine()
    async with open_world(tmp_path, machine) as world:
        session = await world.run(world.admin, "box")
        details = SessionDetailsService(world.lifecycle, world.links, world.store, world.folders, world.homes)
        assert (await details.of(session)).memory_kills == NO_KILLS
        kills = MemoryKills(2, "python3", datetime(2026, 1, 1, tzinfo=UTC))
        machine.sessions[session.id].memory_kills = kills
        assert (await details.of(session)).memory_kills == kills
        assert await details.of(await world.sessions.stop(session)) == NO_DETAILS


async def test_an_agent_that_knows_nothing_of_entrypoints_keeps_nobody_from_seeing_the_session(tmp_path: Path) -> None:
    async with open_world(tmp_path, FakeMachine()) as world:
        session = await world.run(world.admin, "box", entrypoint=True)
        details = SessionDetailsService(world.lifecycle, world.links, world.store, world.folders, world.homes)
        assert (await details.of(session)).entrypoint_state == ""


@pytest.mark.parametrize(
    "apps", [5, [{}], [{"name": ["ssh"]}], [{"name": "\x1b]0;x"}], [{"name": "ssh", "connections": float("inf")}]]
)
async def test_an_agent_that_answers_nonsense_of_its_apps_is_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apps: object
) -> None:
    async def lie(*_: object, **__: object) -> dict[str, object]:
        return {"ok": True, "apps": apps}

    async with open_world(tmp_path, FakeMachine()) as world:
        session = await world.run(world.admin, "box")
        monkeypatch.setattr(world.links, "call", lie)
        with pytest.raises(Unavailable, match="nonsense"):
            await world.apps.list(session)
