"""Worlds for the sandbox engine's own tests, which look at it from inside a session and from the host."""

import os
from collections.abc import Iterator

import pytest
from worlds import OWNER_UID, SandboxWorld, sandbox_world

from gate.turns import whole_machine


@pytest.fixture(autouse=True)
def alone_with_tun(request: pytest.FixtureRequest) -> Iterator[None]:
    """For tests that change the mode of /dev/net/tun, by `nat`: ordinary users' networks depend on it."""
    if "nat" not in request.fixturenames:
        yield
        return
    with whole_machine("tun"):
        yield


@pytest.fixture
def world() -> Iterator[SandboxWorld]:
    """As root where the tests run as root, else as the user who runs them."""
    with sandbox_world(OWNER_UID if os.getuid() == 0 else None) as made:
        yield made


@pytest.fixture
def root_world() -> Iterator[SandboxWorld]:
    if os.getuid() != 0:
        pytest.skip("needs root")
    with sandbox_world(OWNER_UID) as made:
        yield made
