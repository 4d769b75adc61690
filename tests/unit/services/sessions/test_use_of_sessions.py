"""Whose use is kept, and how long."""

import pytest
from world import World

from sshore.core.choices import Network
from sshore.core.live_use import Reading
from sshore.core.sessions import Session
from sshore.services.sessions.live_use import LiveUse

pytestmark = pytest.mark.anyio


class Ticks:
    """A clock that goes on by five seconds whenever it is asked."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 5
        return self.now_s


def read(cpu_s: float) -> Reading:
    return Reading(cpu_s, 100, 0, 0, 40, 40)


async def test_nothing_is_left_of_a_session_that_ended_but_in_the_sums(world: World) -> None:
    session, use = await world.run(world.admin, "demo"), LiveUse(Ticks())
    for cpu_s in (1.0, 3.0):
        use.note([session], {session.id: read(cpu_s)})
    assert [point.cpus for point in use.of(session)] == [None, 0.4]
    use.note([], {})
    assert len(use.of(session)) == 0
    totals = use.totals[session.engine]
    assert (totals.sessions, totals.memory_bytes, totals.cpu_s) == (0, 0, 2.0)


async def test_a_session_that_is_started_again_begins_anew(world: World) -> None:
    session, use = await world.run(world.admin, "demo"), LiveUse(Ticks())
    use.note([session], {session.id: read(9.0)})
    await world.sessions.stop(session)
    world.clock.advance(minutes=1)
    again = await world.sessions.start(await world.session(world.admin, "demo"), 5)
    use.note([again], {again.id: read(0.5)})
    assert [point.cpus for point in use.of(again)] == [None]
    assert len(use.of(session)) == 0
    assert use.totals[session.engine].cpu_s == 0


async def test_a_look_that_fails_leaves_a_gap_and_no_more(world: World) -> None:
    session, use = await world.run(world.admin, "demo"), LiveUse(Ticks())
    for readings in ({session.id: read(1.0)}, {}, {session.id: read(2.0)}):
        use.note([session], readings)
    assert [point.cpus for point in use.of(session)] == [None, 0.1]


async def test_the_bytes_of_the_hosts_network_are_no_sessions(world: World) -> None:
    session: Session = await world.run(world.admin, "demo", network=Network.HOST)
    use = LiveUse(Ticks())
    for _ in range(2):
        use.note([session], {session.id: read(1.0)})
    assert use.of(session).newest.received_bytes_s is None
    assert use.totals[session.engine].received_bytes == 0
