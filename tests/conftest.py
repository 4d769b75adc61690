"""Fixtures for every test: async tests run on asyncio, and no test leaves a process behind."""

import os
from collections.abc import Iterator

import psutil
import pytest

from integration.docker_daemon import DockerDaemon, docker_daemon, why_no_docker
from integration.docker_images import BUSYBOX


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def dockerd() -> Iterator[DockerDaemon]:
    """A Docker daemon of the tests' own, with an image of nothing but busybox; started when first needed."""
    if why := why_no_docker():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    with docker_daemon() as daemon:
        daemon.need(BUSYBOX)
        yield daemon


@pytest.fixture(autouse=True)
def no_process_left_behind() -> Iterator[None]:
    """Fail a test whose child processes outlive it; fixtures of a wider scope keep theirs."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = [process for process in psutil.Process().children(recursive=True) if process not in before]
    _, alive = psutil.wait_procs(left, timeout=3)
    assert not alive, f"left behind: {alive}"
