"""What keeps the workers of one run apart: turns at what the machine has once, and daemons that they share."""

import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gate.shared_daemons import DaemonKeeper, daemon_of_the_run
from gate.turns import directory_of_turns, whole_machine


@pytest.fixture
def thing() -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    yield name
    for lock in directory_of_turns().glob(f"{name}*"):
        lock.unlink()


def test_who_wants_all_of_it_waits_for_those_who_share_it_and_goes_before_newcomers(thing: str) -> None:
    order: list[str] = []

    def alone() -> None:
        with whole_machine(thing):
            order.append("alone")

    def newcomer() -> None:
        with whole_machine(thing, shared=True):
            order.append("newcomer")

    with ThreadPoolExecutor(2) as pool:
        with whole_machine(thing, shared=True), whole_machine(thing, shared=True):
            first = pool.submit(alone)
            while not _is_wanted(thing):
                time.sleep(0.01)
            second = pool.submit(newcomer)
            wait([second], timeout=0.2)  # it would have it by now if it could
            order.append("shared")
        first.result(10)
        second.result(10)
    assert order == ["shared", "alone", "newcomer"]


def _is_wanted(thing: str) -> bool:
    """Whether somebody waits to be alone, by what the kernel tells of locks."""
    inode = str((directory_of_turns() / thing).stat().st_ino)
    return any("->" in line and f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines())


@dataclass
class Started:
    directory: Path


def test_a_daemon_of_the_run_starts_once_and_ends_with_the_run(tmp_path: Path) -> None:
    told: list[str] = []

    @contextmanager
    def start() -> Iterator[Started]:
        told.append("starts")
        yield Started(tmp_path)
        told.append("ends")

    with _kept(DaemonKeeper({"dockerd": start, "podman": _fail})) as keeper:
        with ThreadPoolExecutor(4) as pool:
            places = list(pool.map(lambda _: daemon_of_the_run(keeper.address, "dockerd"), range(8)))
        assert (set(places), told) == ({tmp_path}, ["starts"])
        with pytest.raises(AssertionError, match="podman: OSError: no room"):
            daemon_of_the_run(keeper.address, "podman")
    assert told == ["starts", "ends"]


def _fail() -> AbstractContextManager[Started]:
    raise OSError("no room")


@contextmanager
def _kept(keeper: DaemonKeeper) -> Iterator[DaemonKeeper]:
    keeper.open()
    try:
        yield keeper
    finally:
        keeper.close()
