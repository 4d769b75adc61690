"""Homes and folders in containers run no set-user-ID programs and open no devices: at the start, live, and later."""

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_world import DockerWorld, docker_world
from worlds import OTHER_OWNER_UID, OWNER_UID, start, with_engine

from integration.docker_images import BUSYBOX
from sshore.core.allowed import Allowed
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.docker.engine import DockerEngine
from sshore.engines.mounting.mount_table import mounts_of

ZERO = os.makedev(1, 5)
"""Which the daemon lets every container open."""


@pytest.fixture(scope="module", params=["dockerd", "podman"])
def world(request: pytest.FixtureRequest) -> Iterator[DockerWorld]:
    daemon = request.getfixturevalue(request.param)
    daemon.need(BUSYBOX)
    with docker_world(daemon, root=Allowed.ALL) as made:
        yield made


def laid_out(directory: Path) -> None:
    """Another's set-user-ID program and a device, as only the host's root can leave them there."""
    shutil.copy(shutil.which("busybox") or "", directory / "busybox")
    os.chown(directory / "busybox", OTHER_OWNER_UID, OTHER_OWNER_UID)
    (directory / "busybox").chmod(0o4755)
    os.mknod(directory / "zero", 0o666 | stat.S_IFCHR, ZERO)
    (directory / "zero").chmod(0o666)


def check_closed(world: DockerWorld, spec: SessionSpec, places: list[str]) -> None:
    inside = world.inside(spec)
    for place in places:
        assert inside.output(f"{place}/busybox id -u") == inside.output("id -u"), place
        status, said = inside.run(f"head -c 1 {place}/zero")
        assert status != 0 and "denied" in said, place
    assert inside.run("head -c 1 /dev/zero")[0] == 0


@pytest.mark.parametrize("root", [False, True], ids=["work", "root"])
def test_from_the_start_and_live(world: DockerWorld, root: bool) -> None:
    folders = [world.folder(f"{name}-{root}") for name in ("written", "read", "live", "live-read")]
    written, read = BindMount(folders[0], "/home/work/written"), BindMount(folders[1], "/data", read_only=True)
    spec = replace(world.spec(mounts=(written, read)), root=root)
    for directory in (spec.home, *folders):
        laid_out(directory)
    start(world, spec)
    live = BindMount(folders[2], "/home/work/live"), BindMount(folders[3], "/home/work/live-read", read_only=True)
    for mount in live:
        with_engine(world, lambda engine, mount=mount: engine.mount(spec.id, mount, spec.host_uid))  # type: ignore[misc]
    places = ["/home/work", *(mount.target for mount in (written, read, *live))]
    check_closed(world, spec, places)
    inside = world.inside(spec)
    inside.output("touch written/new live/new")
    assert [inside.run(f"touch {place}/new")[0] != 0 for place in ("/data", "live-read")] == [True, True]
    with_engine(world, lambda engine: engine.remove(spec.id))


def test_a_container_that_was_started_otherwise_is_closed_by_the_next_server(world: DockerWorld) -> None:
    read = BindMount(world.folder("again"), "/data", read_only=True)
    spec = world.spec(mounts=(read,))
    for directory in (spec.home, read.source):
        laid_out(directory)
    start(world, spec)
    world.daemon.ok("restart", "--time", "0", world.container(spec.id))

    async def adopt(engine: DockerEngine) -> None:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(engine.wait(spec.id))
            async with asyncio.timeout(10):
                while not closed(world.agent_pid(spec.id), {"/home/work", "/data"}):
                    await asyncio.sleep(0.05)
            waiting.cancel()

    with_engine(world, adopt)
    check_closed(world, spec, ["/home/work", "/data"])
    with_engine(world, lambda engine: engine.remove(spec.id))


def closed(pid: int, places: set[str]) -> bool:
    there = {entry.point for entry in mounts_of(pid) if {"nosuid", "nodev"} <= entry.options}
    return places <= there


def test_folders_of_the_host_with_mounts_in_them(world: DockerWorld) -> None:
    folder = world.folder("outer")
    inner = folder / "inner"
    inner.mkdir()
    os.system(f"mount -t tmpfs -o mode=755 none {inner}")
    try:
        laid_out(inner)
        spec = world.spec(mounts=(BindMount(folder, "/home/work/outer"),))
        os.chown(folder, OWNER_UID, OWNER_UID)
        start(world, spec)
        check_closed(world, spec, ["/home/work/outer/inner"])
        with_engine(world, lambda engine: engine.remove(spec.id))
    finally:
        os.system(f"umount -l {inner}")
