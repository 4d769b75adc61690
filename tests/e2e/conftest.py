"""Fixtures of the end-to-end tests: real deployments, real clients."""

import os
from collections.abc import Iterator

import pytest
from deployment import Deployment, Owner, deployment
from ssh_client import SshClient, through_forward, through_proxy_command

from sshore.proxy.forwards import Card


@pytest.fixture(scope="session")
def shared() -> Iterator[Deployment]:
    """One deployment for every test that neither stops nor kills anything of it; it has a session `demo`."""
    with deployment() as made:
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


@pytest.fixture(scope="session", params=["forward", "proxy_command"])
def demo_either_way(request: pytest.FixtureRequest, shared: Deployment, demo: SshClient) -> SshClient:
    """An SSH client of `demo`: through its forward, and by `sshore stream` as ProxyCommand."""
    if request.param == "forward":
        return demo
    return through_proxy_command(shared.admin, "demo", shared.key("demo"))


@pytest.fixture(scope="session")
def ann(shared: Deployment) -> Owner:
    """Another owner, whose folders and sessions are no part of the admin's."""
    return shared.member("ann")


@pytest.fixture(scope="session")
def random_64_mib() -> bytes:
    """Data that neither compresses nor repeats, made once."""
    return os.urandom(64 << 20)


@pytest.fixture
def own_deployment(shared: Deployment) -> Iterator[Deployment]:
    """A deployment of the test's own, to stop and kill at will."""
    with deployment(kit_of=shared.state) as made:
        yield made
