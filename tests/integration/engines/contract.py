"""The contract of `core.ports.Engine`, as behaviours that hold in every world; see worlds.py."""

import asyncio

import pytest
from worlds import Behaviour, World

from sshore.core.errors import Conflict, EngineFailed
from sshore.core.ids import SessionId
from sshore.core.sessions import BindMount, RunState

BEHAVIOURS: list[Behaviour] = []
_UNKNOWN = SessionId("nosuchsessio")


def _behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS.append(function)
    return function


@_behaviour
async def a_started_session_runs(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.check(spec)
    await engine.start(spec)
    assert (await engine.inspect(spec.id)).run_state is RunState.RUNNING
    assert await engine.list() == [spec.id]


@_behaviour
async def starting_twice_starts_once(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    before = world.identity(spec.id)
    await engine.start(spec)
    assert world.identity(spec.id) == before


@_behaviour
async def starting_at_once_twice_starts_once(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.start(spec))
        group.create_task(engine.start(spec))
    assert await engine.list() == [spec.id]
    await engine.remove(spec.id)
    assert world.leftovers(spec.id) == []


@_behaviour
async def a_stopped_session_has_exited_and_has_no_processes(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    await engine.stop(spec.id, 5)
    state = await engine.inspect(spec.id)
    assert (state.run_state, state.reason) == (RunState.EXITED, "stopped")


@_behaviour
async def stopping_twice_or_the_unknown_is_harmless(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    await engine.stop(spec.id, 5)
    await engine.stop(spec.id, 5)
    await engine.stop(_UNKNOWN, 5)


@_behaviour
async def removing_forgets_everything(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    await engine.remove(spec.id)
    await engine.remove(spec.id)
    assert (await engine.inspect(spec.id)).run_state is RunState.ABSENT
    assert await engine.list() == []
    assert await engine.log(spec.id, 100) == b""
    assert world.leftovers(spec.id) == []


@_behaviour
async def removing_the_unknown_is_harmless(world: World) -> None:
    engine = world.engine()
    await engine.remove(_UNKNOWN)
    assert (await engine.inspect(_UNKNOWN)).run_state is RunState.ABSENT


@_behaviour
async def a_stopped_session_starts_again(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    await engine.stop(spec.id, 5)
    await engine.start(spec)
    assert (await engine.inspect(spec.id)).run_state is RunState.RUNNING


@_behaviour
async def a_session_whose_agent_died_has_exited_and_says_why(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    world.kill_agent(spec.id)
    state = await engine.wait(spec.id)
    assert state.run_state is RunState.EXITED
    assert state.reason
    assert await engine.inspect(spec.id) == state


@_behaviour
async def waiting_returns_at_once_when_nothing_runs(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    assert (await engine.wait(_UNKNOWN)).run_state is RunState.ABSENT
    await engine.start(spec)
    await engine.stop(spec.id, 5)
    assert (await engine.wait(spec.id)).run_state is RunState.EXITED


@_behaviour
async def waiting_ends_when_the_session_is_stopped(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(engine.wait(spec.id))
        second = group.create_task(engine.wait(spec.id))
        await asyncio.sleep(0)
        await engine.stop(spec.id, 5)
    assert first.result().run_state is second.result().run_state is RunState.EXITED


@_behaviour
async def a_cancelled_wait_leaves_the_session_alone(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await engine.wait(spec.id)
    assert (await engine.inspect(spec.id)).run_state is RunState.RUNNING


@_behaviour
async def a_new_engine_adopts_what_runs(world: World) -> None:
    spec = world.spec()
    await world.engine().start(spec)
    before = world.identity(spec.id)
    engine = world.engine()
    assert await engine.list() == [spec.id]
    assert (await engine.inspect(spec.id)).run_state is RunState.RUNNING
    await engine.start(spec)
    assert world.identity(spec.id) == before
    async with asyncio.TaskGroup() as group:
        end = group.create_task(engine.wait(spec.id))
        await engine.stop(spec.id, 5)
    assert end.result().run_state is RunState.EXITED
    await engine.remove(spec.id)
    assert world.leftovers(spec.id) == []


@_behaviour
async def a_failing_start_says_why_and_leaves_nothing(world: World) -> None:
    engine, spec = world.engine(), world.failing_spec()
    with pytest.raises(EngineFailed) as failure:
        await engine.start(spec)
    assert len(str(failure.value)) > 10
    assert await engine.list() == []
    assert (await engine.inspect(spec.id)).run_state is RunState.ABSENT
    assert world.leftovers(spec.id) == []


@_behaviour
async def a_cancelled_start_leaves_nothing(world: World) -> None:
    engine = world.engine()
    for after_s in (0, 0.001, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.05):
        spec = world.spec()
        try:
            async with asyncio.timeout(after_s):
                await engine.start(spec)
        except TimeoutError:
            assert await engine.list() == []
            assert world.leftovers(spec.id) == []
        await engine.remove(spec.id)  # It may have been faster than the time limit.
        assert (await engine.inspect(spec.id)).run_state is RunState.ABSENT
        assert world.leftovers(spec.id) == []


@_behaviour
async def the_log_has_what_the_agent_wrote(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    await engine.start(spec)
    async with asyncio.timeout(5):
        while b"started\n" not in await engine.log(spec.id, 1000):
            await asyncio.sleep(0.01)
    assert await engine.log(spec.id, 4) == b"ted\n"
    assert await engine.log(_UNKNOWN, 100) == b""


@_behaviour
async def there_is_room_for_something(world: World) -> None:
    capacity = await world.engine().capacity()
    assert capacity.cpus is None or capacity.cpus >= 1
    assert capacity.memory_bytes is None or capacity.memory_bytes > 64 << 20


@_behaviour
async def cpu_time_is_told_of_what_runs_and_counts_processes_that_have_ended(world: World) -> None:
    engine, worker, idler = world.engine(), world.spec(), world.spec()
    assert await engine.measure() == {}
    await engine.start(worker)
    await engine.start(idler)
    before = await engine.measure()
    assert before.keys() == {worker.id, idler.id}
    world.work(worker)
    after = await engine.measure()
    assert after[worker.id].cpu_s - before[worker.id].cpu_s >= 0.1
    assert 0 <= after[idler.id].cpu_s - before[idler.id].cpu_s < 0.1
    assert all((use.memory_bytes or 0) > 1 << 16 and use.gpus is None for use in after.values())
    await engine.stop(worker.id, 5)
    assert (await engine.measure()).keys() == {idler.id}


@_behaviour
async def a_folder_comes_into_a_running_session_and_goes(world: World) -> None:
    engine, spec = world.engine(), world.spec()
    mount = BindMount(world.folder("one"), "/home/work/place")
    await engine.start(spec)
    for _ in range(2):
        await engine.mount(spec.id, mount, spec.host_uid)
        assert world.listing(spec, mount.target) == ["of-one"]
    with pytest.raises(Conflict):
        await engine.mount(spec.id, BindMount(world.folder("two"), mount.target), spec.host_uid)
    for _ in range(2):
        assert not await engine.unmount(spec.id, mount, everywhere=False, by_force=False)
        assert world.listing(spec, mount.target) == []


@_behaviour
async def a_folder_goes_from_where_it_is_said_or_from_everywhere(world: World) -> None:
    engine, folder = world.engine(), world.folder("one")
    mounts = [BindMount(folder, f"/home/work/{name}") for name in ("first", "second", "third")]
    spec = world.spec(mounts=tuple(mounts[:1]))
    await engine.start(spec)
    for mount in mounts[1:]:
        await engine.mount(spec.id, mount, spec.host_uid)
    await engine.unmount(spec.id, mounts[1], everywhere=False, by_force=True)
    assert [world.listing(spec, mount.target) for mount in mounts] == [["of-one"], [], ["of-one"]]
    await engine.unmount(spec.id, mounts[1], everywhere=True, by_force=True)
    assert [world.listing(spec, mount.target) for mount in mounts] == [[], [], []]


@_behaviour
async def nothing_is_mounted_where_nothing_runs(world: World) -> None:
    engine, spec, mount = world.engine(), world.spec(), BindMount(world.folder("one"), "/home/work/place")
    await engine.start(spec)
    await engine.stop(spec.id, 5)
    assert not await engine.unmount(spec.id, mount, everywhere=True, by_force=True)
    assert not await engine.unmount(_UNKNOWN, mount, everywhere=True, by_force=True)
    with pytest.raises(Conflict):
        await engine.mount(spec.id, mount, spec.host_uid)
