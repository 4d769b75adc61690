"""Limits are felt inside a session, and an end because of one is explained."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from worlds import SandboxWorld, processes_of, start

from sshore.core.errors import InvalidInput
from sshore.core.sessions import EngineState, Resources, RunState
from sshore.engines.sandbox import SandboxEngine
from sshore.engines.sandbox.capacity import memory_bytes
from sshore.engines.sandbox.cgroups import Cgroups
from sshore.wire.problems import Code

MEMORY = 64 << 20
_EAT_MEMORY = "head -c 200m /dev/zero | tail -c 200m > /dev/null"


@pytest.fixture(autouse=True)
def limits_can_be_set() -> None:
    try:
        Cgroups().check(Resources(cpus=1, memory_bytes=MEMORY, pids=32))
    except InvalidInput as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def test_more_memory_than_the_limit_is_not_to_be_had(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(memory_bytes=MEMORY))
    start(world, spec)
    inside = world.inside(spec)
    status, _ = inside.run(_EAT_MEMORY)
    assert status != 0
    assert inside.output("echo the session goes on") == "the session goes on\n"


def test_the_tmpfs_of_a_session_counts_as_its_memory(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(memory_bytes=MEMORY))
    start(world, spec)
    assert world.inside(spec).run("head -c 100m /dev/zero > /tmp/big")[0] != 0


def test_a_fork_bomb_stays_bounded(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(pids=32))
    start(world, spec)
    # Bounded by itself, too: this is a test of the limit, not of the machine.
    _, output = world.inside(spec).run("for i in $(seq 100); do sleep 5 & done 2>&1 | head -3; jobs -p | wc -l")
    assert len(processes_of(spec.id)) <= 33  # and bwrap outside
    assert "fork" in output or "Cannot" in output


def test_processors_are_rationed(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(cpus=0.2))
    start(world, spec)
    inside = world.inside(spec)
    begin = time.monotonic()
    used = inside.output("sh -c 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; times' | tail -2 | head -1")
    elapsed_s = time.monotonic() - begin
    user_s = _seconds(used.split()[0])
    if user_s > 0.1:
        assert user_s / elapsed_s < 0.35


def _seconds(text: str) -> float:
    minutes, _, seconds = text.rstrip("s").partition("m")
    return 60 * float(minutes) + float(seconds)


def test_an_agent_killed_for_want_of_memory_is_explained(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(memory_bytes=MEMORY))
    program = world.kit / "python/bin/python3"
    program.write_text("#!/bin/sh\nexec dd if=/dev/zero of=/dev/null bs=200M count=1\n")
    assert asyncio.run(_run_to_its_end(world, spec.id, spec)) == EngineState(
        RunState.EXITED, "out of memory: its limit is 64 MiB, and the kernel killed the agent"
    )


async def _run_to_its_end(world: SandboxWorld, session_id, spec) -> EngineState:
    engine = world.engine()
    await engine.start(spec)
    async with asyncio.timeout(20):
        state = await engine.wait(session_id)
    await world.close_engines()
    return state


def test_everything_of_a_session_is_within_its_limits(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(cpus=1, memory_bytes=MEMORY, pids=64))
    start(world, spec)
    world.inside(spec).output("setsid sleep 60 >/dev/null 2>&1 &")
    record = world.record(spec.id)
    assert record.cgroups
    inside = {process.pid for process in processes_of(spec.id)} - {record.monitor.pid if record.monitor else 0}
    for directory in record.cgroups:
        assert {int(pid) for pid in (directory / "cgroup.procs").read_text().split()} >= inside


def test_its_groups_go_with_a_session(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(cpus=1, memory_bytes=MEMORY, pids=64))
    start(world, spec)
    groups = world.record(spec.id).cgroups
    assert all(group.exists() for group in groups)
    world.kill_agent(spec.id)
    asyncio.run(_wait(world, spec.id))
    assert not any(group.exists() for group in groups)


async def _wait(world: SandboxWorld, session_id) -> None:
    await world.engine().wait(session_id)
    await world.close_engines()


def test_a_limit_that_cannot_be_enforced_is_refused_by_name(world: SandboxWorld, tmp_path: Path) -> None:
    engine = SandboxEngine(world.state, limits=Cgroups(root=tmp_path))
    for resources, name in (
        (Resources(cpus=1), "cpus"),
        (Resources(memory_bytes=MEMORY), "memory"),
        (Resources(pids=64), "pids"),
    ):
        with pytest.raises(InvalidInput, match=f"limit on {name} cannot .* Delegate=yes") as refusal:
            asyncio.run(engine.check(world.spec(resources=resources)))
        assert refusal.value.problem.code is Code.LIMIT_UNSUPPORTED
    asyncio.run(engine.check(world.spec()))
    asyncio.run(engine.aclose())


def test_what_holds_of_a_session_that_asks_for_no_limits(world: SandboxWorld) -> None:
    """Its processes and its memory are bounded, and what it keeps in memory counts as that and is bounded as well."""
    spec = world.spec()
    start(world, spec)
    groups = world.record(spec.id).cgroups
    pids, memory = (
        {int(text) for text in map(_text, [group / name for group in groups for name in names]) if text}
        for names in (["pids.max"], ["memory.max", "memory.limit_in_bytes"])
    )
    assert pids == {4096}
    (limit,) = memory
    assert 0.7 * memory_bytes() < limit <= 0.8 * memory_bytes()
    inside = world.inside(spec)
    rooms = inside.output("df --output=size -k /tmp /var/tmp /dev/shm /run | tail -4").split()
    assert [int(room) << 10 for room in rooms[:3]] == [pytest.approx(memory_bytes() // 4, abs=1 << 20)] * 3
    assert rooms[3] == str(64 << 10)
    assert inside.run("head -c 100m /dev/zero > /run/big")[0] != 0
    inside.output("rm /run/big")
    before = _used(groups)
    inside.output("head -c 48m /dev/zero > /tmp/big")
    assert _used(groups) - before > 40 << 20


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _used(groups: Sequence[Path]) -> int:
    names = ("memory.current", "memory.usage_in_bytes")
    return max(int(text) for text in map(_text, [group / name for group in groups for name in names]) if text)


def test_a_server_that_may_write_no_cgroup_starts_sessions_all_the_same(world: SandboxWorld, tmp_path: Path) -> None:
    async def run() -> None:
        engine = SandboxEngine(world.state, limits=Cgroups(root=tmp_path))
        spec = world.spec()
        await engine.start(spec)
        assert world.record(spec.id).cgroups == ()
        await engine.remove(spec.id)
        await engine.aclose()

    asyncio.run(run())
