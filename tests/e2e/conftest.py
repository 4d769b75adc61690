"""Fixtures of the end-to-end tests: real deployments, real clients.

Tests marked `every_engine` run twice: with sessions in sandboxes, and with sessions in containers of a Debian image.
"""

import os
from collections.abc import Iterator

import pytest
from deployment import SANDBOX, Deployment, Owner, SessionsIn, deployment
from ssh_client import SshClient, through_forward, through_proxy_command

from integration.docker_images import DEBIAN
from sshore.proxy.forwards import Card


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # For every test, so that pytest sorts them: it keeps one deployment for those of the same engine.
    if "sessions_in" in metafunc.fixturenames:
        everywhere = metafunc.definition.get_closest_marker("every_engine")
        engines = ["sandbox", "docker"] if everywhere else ["sandbox"]
        metafunc.parametrize("sessions_in", engines, indirect=True, scope="session")


@pytest.fixture(scope="session")
def sessions_in(request: pytest.FixtureRequest) -> SessionsIn:
    """Where the sessions of the deployments are."""
    if request.param == "sandbox":
        return SANDBOX
    dockerd = request.getfixturevalue("dockerd")
    return SessionsIn(("--engine", "docker", "--image", dockerd.need(DEBIAN)), docker_host=dockerd.host)


@pytest.fixture(scope="session")
def shared(sessions_in: SessionsIn) -> Iterator[Deployment]:
    """One deployment for every test that neither stops nor kills anything of it; it has a session `demo`."""
    with deployment(sessions_in=sessions_in) as made:
        made.run_session("demo")
        yield made


@pytest.fixture(scope="session")
def card(shared: Deployment) -> Card:
    """The connection card of `demo`."""
    return shared.connect("demo")


@pytest.fixture(scope="session")
def demo(shared: Deployment, card: Card) -> SshClient:
    """An SSH client of `demo`, through its forward."""
    return through_forward(shared.admin, card)


@pytest.fixture(scope="session")
def demo_without_forward(shared: Deployment) -> SshClient:
    """An SSH client of `demo`, by `sshore stream` as ProxyCommand."""
    return through_proxy_command(shared.admin, "demo", shared.key("demo"))


@pytest.fixture(params=["forward", "proxy_command"])
def demo_either_way(request: pytest.FixtureRequest, demo: SshClient, demo_without_forward: SshClient) -> SshClient:
    """Both."""
    return demo if request.param == "forward" else demo_without_forward


@pytest.fixture(scope="session")
def ann(shared: Deployment) -> Owner:
    """Another owner, whose folders and sessions are no part of the admin's."""
    return shared.member("ann")


@pytest.fixture(scope="session")
def random_64_mib() -> bytes:
    """Data that neither compresses nor repeats, made once."""
    return os.urandom(64 << 20)


@pytest.fixture
def own_deployment(shared: Deployment, sessions_in: SessionsIn) -> Iterator[Deployment]:
    """A deployment of the test's own, to stop and kill at will."""
    with deployment(kit_of=shared.state, sessions_in=sessions_in) as made:
        yield made
