"""The contract suite against the docker engine, as a server that is root: on Docker, and on Podman's service."""

import asyncio

import pytest
from contract import BEHAVIOURS
from docker_world import DockerWorld, docker_world
from worlds import Behaviour

from integration.docker_daemon import DockerDaemon


@pytest.fixture(scope="module", params=["dockerd", "podman"])
def daemon(request: pytest.FixtureRequest) -> DockerDaemon:
    found: DockerDaemon = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_contract_on_docker(daemon: DockerDaemon, behaviour: Behaviour) -> None:
    async def run(world: DockerWorld) -> None:
        try:
            await behaviour(world)
        finally:
            await world.close_engines()

    with docker_world(daemon) as world:
        asyncio.run(run(world))
