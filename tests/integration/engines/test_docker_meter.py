"""What containers use, where a server sees their processes and where it does not, as one in a container of its own."""

import asyncio

import pytest
from contract import cpu_time_is_told_of_what_runs_and_counts_processes_that_have_ended as contract
from docker_world import docker_world

from integration.docker_daemon import DockerDaemon
from sshore.engines.docker import meter


@pytest.fixture(scope="module", params=["dockerd", "podman"])
def daemon(request: pytest.FixtureRequest) -> DockerDaemon:
    found: DockerDaemon = request.getfixturevalue(request.param)
    return found


def test_the_daemon_is_asked_where_no_process_is_seen(daemon: DockerDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "groups_named", lambda pid, name: [])
    with docker_world(daemon) as world:

        async def run() -> None:
            try:
                await contract(world)
            finally:
                await world.close_engines()

        asyncio.run(run())


def test_both_ways_tell_the_same(daemon: DockerDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    with docker_world(daemon) as world:

        async def run() -> None:
            seen, unseen, spec = world.engine(), world.engine(), world.spec()
            try:
                await seen.start(spec)
                world.work(spec)
                by_kernel = (await seen.measure())[spec.id]
                monkeypatch.setattr(meter, "groups_named", lambda pid, name: [])
                by_daemon = (await unseen.measure())[spec.id]
                assert by_daemon.cpu_s == pytest.approx(by_kernel.cpu_s, abs=0.3)
                assert by_daemon.memory_bytes == pytest.approx(by_kernel.memory_bytes, abs=4 << 20)
                await seen.stop(spec.id, 5)
            finally:
                await world.close_engines()

        asyncio.run(run())
