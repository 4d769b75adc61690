"""Sessions that do nothing are warned and stopped; what works goes on."""

from dataclasses import dataclass, field

import pytest
from world import World

from sshore.core.ids import SessionId
from sshore.core.sessions import Session
from sshore.core.states import SessionState
from sshore.services.sessions.live_use import LiveUse
from sshore.services.sessions.records import SessionRecords
from sshore.services.sessions.watch import SessionWatch

pytestmark = pytest.mark.anyio


@dataclass
class SetTraffic:
    """What streams move, as tests set it."""

    moved: dict[SessionId, int] = field(default_factory=dict)

    def take_moved(self) -> dict[SessionId, int]:
        moved, self.moved = self.moved, {}
        return moved


@pytest.fixture
def traffic() -> SetTraffic:
    return SetTraffic()


@pytest.fixture
def watch(world: World, traffic: SetTraffic) -> SessionWatch:
    return new_watch(world, traffic)


def new_watch(world: World, traffic: SetTraffic) -> SessionWatch:
    """That of a server that has just started."""
    records = SessionRecords(world.store)
    return SessionWatch(world.store, records, world.lifecycle, traffic, world.links, world.clock, LiveUse())


async def pass_minutes(world: World, watch: SessionWatch, minutes: int) -> None:
    for _ in range(minutes):
        world.clock.advance(minutes=1)
        await watch.look()


async def state(world: World, session: Session) -> tuple[SessionState, str]:
    found = await world.session(world.admin, session.name)
    return found.state, found.reason


async def test_an_idle_session_is_warned_then_stopped_and_says_why(world: World, watch: SessionWatch) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=1800.0)
    await watch.look()
    await pass_minutes(world, watch, 26)
    assert world.links.warnings == []
    await pass_minutes(world, watch, 2)
    assert [text for _, text in world.links.warnings] == [
        "Session demo is idle and stops in 3m: press a few keys to keep it."
    ]
    await pass_minutes(world, watch, 1)
    assert (await state(world, session))[0] is SessionState.RUNNING
    await pass_minutes(world, watch, 1)
    assert await state(world, session) == (SessionState.STOPPED, "idle for 30m")
    await world.sessions.start(await world.session(world.admin, "demo"), 5)
    await pass_minutes(world, watch, 20)
    assert await state(world, session) == (SessionState.RUNNING, "")


async def test_bytes_and_cpu_keep_a_session_alive_and_its_warning_does_not(
    world: World, watch: SessionWatch, traffic: SetTraffic
) -> None:
    moving, working, idle = [
        await world.run(world.admin, name, idle_timeout_s=600.0) for name in ("moving", "working", "idle")
    ]
    world.links.terminals = 20
    for _ in range(30):
        traffic.moved[moving.id] = 5000
        world.engine.machine.sessions[working.id].cpu_s += 3
        warned = {session_id for session_id, _ in world.links.warnings}
        if idle.id in warned:  # what the warning itself moves on twenty terminals
            traffic.moved[idle.id] = 20 * 150
        await pass_minutes(world, watch, 1)
    assert (await state(world, moving))[0] is (await state(world, working))[0] is SessionState.RUNNING
    assert await state(world, idle) == (SessionState.STOPPED, "idle for 10m")
    assert {session_id for session_id, _ in world.links.warnings} == {idle.id}


async def test_one_that_wakes_up_after_the_warning_is_kept_and_warned_again(
    world: World, watch: SessionWatch, traffic: SetTraffic
) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=600.0)
    await watch.look()
    await pass_minutes(world, watch, 9)
    traffic.moved[session.id] = 5000
    await pass_minutes(world, watch, 9)
    assert (await state(world, session))[0] is SessionState.RUNNING
    await pass_minutes(world, watch, 1)
    assert len(world.links.warnings) == 2


async def test_the_time_to_live_ends_what_works_as_well(world: World, watch: SessionWatch, traffic: SetTraffic) -> None:
    session = await world.run(world.admin, "demo", ttl_s=1200.0)
    for _ in range(19):
        traffic.moved[session.id] = 1 << 20
        await pass_minutes(world, watch, 1)
    assert "Save your work" in world.links.warnings[0][1]
    traffic.moved[session.id] = 1 << 20
    await pass_minutes(world, watch, 1)
    assert await state(world, session) == (SessionState.STOPPED, "its time to live of 20m is over")


async def test_limits_in_time_change_while_a_session_runs(world: World, watch: SessionWatch) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=600.0, ttl_s=86400.0)
    await watch.look()
    await world.sessions.change(world.admin, session, idle_timeout_s=0, ttl_s=None)
    await pass_minutes(world, watch, 30)
    kept = await world.session(world.admin, "demo")
    assert (kept.state, kept.idle_timeout_s, kept.ttl_s) == (SessionState.RUNNING, None, 86400)
    await world.sessions.change(world.admin, session, idle_timeout_s=1200.0, ttl_s=None)
    await watch.look()
    assert (await state(world, session))[0] is SessionState.STOPPED


async def test_a_machine_that_slept_finds_its_sessions_again(world: World, watch: SessionWatch) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=1800.0)
    await watch.look()
    world.clock.advance(hours=8)
    await watch.look()
    assert (await state(world, session))[0] is SessionState.RUNNING
    await pass_minutes(world, watch, 31)
    assert (await state(world, session))[0] is SessionState.STOPPED


async def test_the_report_says_what_keeps_a_session_alive(
    world: World, watch: SessionWatch, traffic: SetTraffic
) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=1800.0)
    new = watch.report(session)
    assert new is not None and (new.moved_at, new.active_at) == (None, session.started_at)
    await watch.look()
    traffic.moved[session.id] = 3 << 20
    world.engine.machine.sessions[session.id].cpu_s += 0.4
    await pass_minutes(world, watch, 1)
    moved_at = world.clock.now()
    report = watch.report(session)
    assert report is not None and report.deadline is not None
    assert (report.moved_bytes, report.moved_at, report.cpu_s) == (3 << 20, moved_at, 0.4)
    assert (report.deadline.at - moved_at).total_seconds() == 1800
    await world.sessions.stop(session)
    assert watch.report(await world.session(world.admin, "demo")) is None


async def test_short_time_outs_are_looked_at_more_often(world: World, watch: SessionWatch) -> None:
    assert await watch.look() == 5
    await world.run(world.admin, "demo", idle_timeout_s=10.0)
    assert await watch.look() == 1


async def test_the_next_look_is_when_a_warning_is_due(world: World, watch: SessionWatch) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=120.0)
    await watch.look()
    world.clock.advance(seconds=104)
    assert await watch.look() == 4
    world.clock.advance(seconds=4)
    assert await watch.look() == 5
    assert [text for _, text in world.links.warnings] == [
        "Session demo is idle and stops in 12s: press a few keys to keep it."
    ]
    world.clock.advance(seconds=9)
    assert await watch.look() == 3
    world.clock.advance(seconds=3)
    await watch.look()
    assert (await state(world, session))[0] is SessionState.STOPPED


async def test_an_agent_that_answers_nonsense_keeps_no_other_session_from_being_stopped(
    world: World, watch: SessionWatch
) -> None:
    ann = await world.member("ann")
    await world.run(ann, "liar", idle_timeout_s=3600)
    idle = await world.run(ann, "idle", idle_timeout_s=3600)
    world.links.terminals = "many"  # type: ignore[assignment]
    await pass_minutes(world, watch, 61)
    assert (await world.session(ann, "idle")).state is SessionState.STOPPED
    assert world.links.warnings and idle.id in {session_id for session_id, _ in world.links.warnings}


@pytest.mark.parametrize("terminals", [-(10**30), 10**30])
async def test_how_many_terminals_an_agent_says_to_have_is_no_activity(
    world: World, watch: SessionWatch, terminals: int
) -> None:
    liar = await world.run(world.admin, "liar", idle_timeout_s=3600)
    world.links.terminals = terminals
    await pass_minutes(world, watch, 59)
    assert world.links.warnings
    report = watch.report(liar)
    assert report is not None and report.moved_bytes == 0
    await pass_minutes(world, watch, 2)
    assert (await state(world, liar))[0] is SessionState.STOPPED


async def test_idle_time_goes_on_after_a_restart_of_the_server(
    world: World, watch: SessionWatch, traffic: SetTraffic
) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=1800.0)
    await watch.look()
    traffic.moved[session.id] = 5000
    await pass_minutes(world, watch, 1)
    moved_at = world.clock.now()
    await pass_minutes(world, watch, 20)
    watch = new_watch(world, traffic)  # without a word: the last server was killed
    world.clock.advance(hours=8)
    await watch.look()
    report = watch.report(session)
    assert report is not None and report.deadline is not None
    assert (report.moved_bytes, report.moved_at) == (5000, moved_at)
    assert (report.deadline.at - world.clock.now()).total_seconds() == 600, "the time away is left out"
    await watch.close()
    watch = new_watch(world, traffic)
    await pass_minutes(world, watch, 9)
    assert (await state(world, session))[0] is SessionState.RUNNING
    await pass_minutes(world, watch, 2)
    assert await state(world, session) == (SessionState.STOPPED, "idle for 30m")


async def test_what_worked_while_the_server_was_away_is_active(
    world: World, watch: SessionWatch, traffic: SetTraffic
) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=1800.0)
    await watch.look()
    await pass_minutes(world, watch, 25)
    world.engine.machine.sessions[session.id].cpu_s += 100
    world.clock.advance(hours=1)
    watch = new_watch(world, traffic)
    await watch.look()
    report = watch.report(session)
    assert report is not None and report.active_at == world.clock.now()


async def test_what_was_kept_of_an_earlier_run_is_not_the_next_ones(
    world: World, watch: SessionWatch, traffic: SetTraffic
) -> None:
    session = await world.run(world.admin, "demo", idle_timeout_s=1800.0)
    await watch.look()
    await pass_minutes(world, watch, 25)
    await world.sessions.stop(session)
    await world.sessions.start(await world.session(world.admin, "demo"), 5)
    watch = new_watch(world, traffic)
    await pass_minutes(world, watch, 20)
    assert (await state(world, session))[0] is SessionState.RUNNING
