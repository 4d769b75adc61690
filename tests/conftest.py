"""Fixtures for every test: async tests run on asyncio, and no test leaves a process behind.

And what `pytest -n auto` asks: see gate/.
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from gate.descendants import descendants
from gate.shared_daemons import DaemonKeeper, daemon_of_the_run
from gate.turns import whole_machine
from gate.workers import number_of_workers
from integration.docker_daemon import DockerDaemon, docker_daemon, why_no_docker
from integration.docker_images import BUSYBOX
from integration.podman_service import PodmanService, podman_service, why_no_podman

D = TypeVar("D", bound=DockerDaemon)
_KEEPER = pytest.StashKey[DaemonKeeper]()
_ADDRESS = "sshore_daemons"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return number_of_workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    if config.getoption("dist") != "load":  # somebody wants another
        return None
    from gate.scheduling import Worlds  # xdist is there, since it asks

    return Worlds(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    from xdist.workermanage import NodeManager

    NodeManager.EXIT_TIMEOUT = 30  # After Ctrl-C, for workers to end their deployments; 10 s as it comes.
    config.stash[_KEEPER] = DaemonKeeper({"dockerd": docker_daemon, "podman": podman_service})
    config.stash[_KEEPER].open()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput[_ADDRESS] = node.config.stash[_KEEPER].address


def pytest_unconfigure(config: pytest.Config) -> None:
    if keeper := config.stash.get(_KEEPER, None):
        keeper.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Nothing else runs beside a test that is marked `alone`; the wait is outside of its time limit."""
    if not _is_worker(item.config):
        return (yield)
    with whole_machine("processors", shared=item.get_closest_marker("alone") is None):
        return (yield)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def dockerd(request: pytest.FixtureRequest) -> Iterator[DockerDaemon]:
    """A Docker daemon of the tests' own, with an image of nothing but busybox; started when first needed.

    All workers of a run share it. A test that kills it, or counts all that is on it, takes a `docker_daemon()`.
    """
    _only_without(why_no_docker())
    with _of_the_run(request.config, "dockerd", DockerDaemon, docker_daemon) as daemon:
        daemon.need(BUSYBOX)
        yield daemon


@pytest.fixture(scope="session")
def podman(request: pytest.FixtureRequest) -> Iterator[PodmanService]:
    """Podman's service, likewise."""
    _only_without(why_no_podman())
    with _of_the_run(request.config, "podman", PodmanService, podman_service) as service:
        service.need(BUSYBOX)
        yield service


@pytest.fixture
def started_again() -> Callable[[], Iterable[int]]:
    """Pids of daemons that a module's tests kill and start again, which outlive the test; for modules to say."""
    return lambda: ()


@pytest.fixture(autouse=True)
def no_process_left_behind(started_again: Callable[[], Iterable[int]]) -> Iterator[None]:
    """Fail a test whose child processes outlive it; fixtures of a wider scope keep theirs."""
    before = set(descendants())
    yield
    for daemon in map(psutil.Process, started_again()):
        before |= {daemon, *daemon.children(recursive=True)}
    left = [process for process in descendants() if process not in before]
    _, alive = psutil.wait_procs(left, timeout=3)
    assert not alive, f"left behind: {alive}"


@contextmanager
def _of_the_run(
    config: Any, name: str, of: Callable[[Path], D], start: Callable[[], AbstractContextManager[D]]
) -> Iterator[D]:
    if _is_worker(config):
        yield of(daemon_of_the_run(config.workerinput[_ADDRESS], name))
        return
    with start() as daemon:
        yield daemon


def _is_worker(config: Any) -> bool:
    return hasattr(config, "workerinput")


def _only_without(what_is_missing: str) -> None:
    if what_is_missing:
        if os.environ.get("CI") == "true":
            pytest.fail(what_is_missing)
        pytest.skip(what_is_missing)
