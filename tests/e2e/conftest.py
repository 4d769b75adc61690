"""Fixtures of the end-to-end tests: real deployments, real clients."""

from collections.abc import Iterator

import pytest
from deployment import Deployment, deployment


@pytest.fixture(scope="session")
def shared() -> Iterator[Deployment]:
    """One deployment for every test that neither stops nor kills anything of it; it has a session `demo`."""
    with deployment() as made:
        made.run_session("demo")
        yield made


@pytest.fixture
def own_deployment() -> Iterator[Deployment]:
    """A deployment of the test's own, to stop and kill at will."""
    with deployment() as made:
        yield made
