"""Limits by cgroups of version 2, where this host has a controller there; the two ways to get a subtree."""

import asyncio
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from as_ordinary_user import run_as_user
from worlds import ORDINARY_USER_UID, SandboxWorld, processes_of, sandbox_world, start

from sshore.core.errors import InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import Resources
from sshore.engines.sandbox import cgroups
from sshore.engines.sandbox.cgroups import Limit

pytestmark = pytest.mark.alone  # what is enabled at the root of the hierarchy is everybody's

_PLACES = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


def _unified() -> Path | None:
    return next((place for place in _PLACES if (place / "cgroup.controllers").exists()), None)


@pytest.fixture(params=["pids", "stand-in"])
def unified(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hierarchy. On a host that has the pids controller in version 1, a controller that limits nothing here
    stands in for it: the kernel's rules about subtrees are the same."""
    place = _unified()
    if place is None or os.getuid() != 0:
        pytest.skip("needs root and cgroup version 2")
    available = (place / "cgroup.controllers").read_text().split()
    if request.param == "pids" and "pids" not in available:
        pytest.skip("this host has the pids controller in cgroup version 1")
    if request.param == "stand-in":
        if not available:
            pytest.skip("this host has no controller in cgroup version 2")
        monkeypatch.setattr(cgroups, "_LIMITS", (Limit(available[0], "pids", lambda _: {}, lambda _: {}),))
    return place


@pytest.fixture
def delegated(unified: Path) -> Iterator[Path]:
    """A subtree as ``systemd-run --user --scope -p Delegate=yes`` gives it: its owner may write these files."""
    enabled = (unified / "cgroup.subtree_control").read_text().split()
    wanted = [limit.controller for limit in cgroups._LIMITS if limit.field == "pids"]
    (unified / "cgroup.subtree_control").write_text(f"+{wanted[0]}")
    subtree = unified / f"sshore-test-{secrets.token_hex(4)}"
    subtree.mkdir()
    for path in (subtree, *(subtree / f"cgroup.{name}" for name in ("procs", "threads", "subtree_control"))):
        os.chown(path, ORDINARY_USER_UID, ORDINARY_USER_UID)
    yield subtree
    for directory in sorted(subtree.glob("**/"), reverse=True):
        directory.rmdir()
    if wanted[0] not in enabled:
        (unified / "cgroup.subtree_control").write_text(f"-{wanted[0]}")


@pytest.fixture
def own_subtree_goes(unified: Path) -> Iterator[None]:
    """Remove the group that sessions of a root server are below, where this test made it."""
    enabled = (unified / "cgroup.subtree_control").read_text().split()
    was_there = (unified / "sshore").exists()
    yield
    if not was_there:
        (unified / "sshore").rmdir()
        for name in set((unified / "cgroup.subtree_control").read_text().split()) - set(enabled):
            (unified / "cgroup.subtree_control").write_text(f"-{name}")


def _run_limited_session(world: SandboxWorld) -> None:
    spec = world.spec(resources=Resources(pids=24))
    start(world, spec)
    (group,) = world.record(spec.id).cgroups
    assert group.name == spec.id
    world.inside(spec).output("setsid sleep 60 >/dev/null 2>&1 &")
    monitor = world.record(spec.id).monitor
    assert monitor is not None
    members = {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
    assert members == {process.pid for process in processes_of(spec.id)} - {monitor.pid}
    if (group / "pids.max").exists():
        assert "fork" in world.inside(spec).run("for i in $(seq 60); do sleep 2 & done 2>&1 | head -1")[1]
        assert len(processes_of(spec.id)) <= 25
    asyncio.run(_remove(world, spec.id))
    assert not group.exists()


async def _remove(world: SandboxWorld, session_id: SessionId) -> None:
    await world.engine().remove(session_id)
    await world.close_engines()


@pytest.mark.usefixtures("unified", "own_subtree_goes")
def test_root_limits_below_the_root_group(root_world: SandboxWorld) -> None:
    _run_limited_session(root_world)


def test_an_ordinary_user_limits_below_a_delegated_group(delegated: Path) -> None:
    def enter() -> None:
        (delegated / "cgroup.procs").write_text(str(os.getpid()))

    def two_sessions() -> None:
        with sandbox_world(None) as world:
            _run_limited_session(world)
            _run_limited_session(world)

    run_as_user(ORDINARY_USER_UID, two_sessions, before=enter)


def test_an_ordinary_user_without_a_delegated_group_is_refused(unified: Path) -> None:
    def check() -> None:
        with pytest.raises(InvalidInput, match="Delegate=yes"):
            cgroups.Cgroups().check(Resources(pids=24))

    run_as_user(ORDINARY_USER_UID, check)
