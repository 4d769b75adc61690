"""Fixtures for every test: async tests run on asyncio, and no test leaves a process behind."""

import os
from collections.abc import Callable, Iterable, Iterator

import psutil
import pytest

from integration.docker_daemon import DockerDaemon, docker_daemon, why_no_docker
from integration.docker_images import BUSYBOX
from integration.podman_service import PodmanService, podman_service, why_no_podman


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def dockerd() -> Iterator[DockerDaemon]:
    """A Docker daemon of the tests' own, with an image of nothing but busybox; started when first needed."""
    _only_without(why_no_docker())
    with docker_daemon() as daemon:
        daemon.need(BUSYBOX)
        yield daemon


@pytest.fixture(scope="session")
def podman() -> Iterator[PodmanService]:
    """Podman's service, likewise."""
    _only_without(why_no_podman())
    with podman_service() as service:
        service.need(BUSYBOX)
        yield service


@pytest.fixture
def started_again() -> Callable[[], Iterable[int]]:
    """Pids of daemons that a module's tests kill and start again, which outlive the test; for modules to say."""
    return lambda: ()


@pytest.fixture(autouse=True)
def no_process_left_behind(started_again: Callable[[], Iterable[int]]) -> Iterator[None]:
    """Fail a test whose child processes outlive it; fixtures of a wider scope keep theirs."""
    before = set(psutil.Process().children(recursive=True))
    yield
    for daemon in map(psutil.Process, started_again()):
        before |= {daemon, *daemon.children(recursive=True)}
    left = [process for process in psutil.Process().children(recursive=True) if process not in before]
    _, alive = psutil.wait_procs(left, timeout=3)
    assert not alive, f"left behind: {alive}"


def _only_without(what_is_missing: str) -> None:
    if what_is_missing:
        if os.environ.get("CI") == "true":
            pytest.fail(what_is_missing)
        pytest.skip(what_is_missing)
