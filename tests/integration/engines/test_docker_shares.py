"""What others share, in containers: its files are the session's own, at the start and live, with root inside or not;
it is refused where that cannot be."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_world import DockerWorld, docker_world
from worlds import OTHER_OWNER_UID, OWNER_UID, start, with_engine

from integration.docker_images import BUSYBOX
from sshore.core.allowed import Allowed
from sshore.core.errors import EngineFailed, InvalidInput
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.docker.staging import check_shares, clear_stage, stage_others
from sshore.engines.sandbox.own_mounts import with_own_mounts
from sshore.wire.problems import Code


@pytest.fixture(scope="module", params=["dockerd", "podman"])
def world(request: pytest.FixtureRequest) -> Iterator[DockerWorld]:
    daemon = request.getfixturevalue(request.param)
    daemon.need(BUSYBOX)
    with docker_world(daemon, root=Allowed.ALL) as made:
        yield made


@pytest.fixture(params=[False, True], ids=["work", "root"])
def spec(request: pytest.FixtureRequest, world: DockerWorld) -> SessionSpec:
    return replace(world.spec(), root=request.param)


def shared(world: DockerWorld, name: str, target: str, *, read_only: bool = False) -> BindMount:
    """Somebody else's folder, in which one file is closed to all but its owner."""
    folder = world.state / "folders" / name
    if not folder.exists():
        world.folder(name, OTHER_OWNER_UID)
        (folder / f"of-{name}").chmod(0o600)
    return BindMount(folder, target, read_only, disk_uid=OTHER_OWNER_UID)


def test_its_files_are_the_sessions_own_from_the_start(world: DockerWorld, spec: SessionSpec) -> None:
    theirs = shared(world, "theirs", "/home/work/theirs")
    read = shared(world, "read", "/data", read_only=True)
    own = BindMount(world.folder(f"own-{spec.root}"), "/home/work/theirs/own")
    spec = replace(spec, mounts=(own, theirs, read))
    start(world, spec)
    inside = world.inside(spec)
    me = inside.output("id -un").strip()
    assert inside.output("stat -c %U theirs/of-theirs theirs/own; cat theirs/of-theirs /data/of-read").split() == [
        *(me, me, "theirsread")
    ]
    inside.output("umask 077; rm -f theirs/new; echo new >theirs/new; echo more >>theirs/of-theirs; touch theirs/own/x")
    assert inside.run("touch /data/new")[0] != 0
    assert {path.stat().st_uid for path in theirs.source.iterdir()} == {OTHER_OWNER_UID}
    assert {path.stat().st_uid for path in own.source.iterdir()} == {OWNER_UID}
    (theirs.source / "of-theirs").write_text("theirs")
    assert not any((world.state / "docker" / "mounts").iterdir())
    assert spec.id not in Path("/proc/self/mounts").read_text()


def test_it_comes_into_a_running_session_and_goes(world: DockerWorld, spec: SessionSpec) -> None:
    start(world, spec)
    theirs = shared(world, "theirs", "/home/work/a/theirs")
    with_engine(world, lambda engine: engine.mount(spec.id, theirs, spec.host_uid))
    inside = world.inside(spec)
    inside.output("cat a/theirs/of-theirs; echo live >a/theirs/live")
    assert (theirs.source / "live").stat().st_uid == OTHER_OWNER_UID
    inside.output("sleep 300 <a/theirs/live >/dev/null 2>&1 & echo $! >sleeper")
    gone = replace(theirs, disk_uid=None)
    assert not with_engine(world, lambda engine: engine.unmount(spec.id, gone, everywhere=True, by_force=True))
    assert inside.output("kill -0 $(cat sleeper) 2>/dev/null && echo lives; ls a/theirs") == ""


def test_nothing_of_it_is_left_where_a_start_fails(world: DockerWorld) -> None:
    spec = world.spec(mounts=(shared(world, "theirs", "/home/work/data/theirs"),))
    (spec.home / "data").symlink_to("/etc")
    with pytest.raises(EngineFailed, match="where something else lies"):
        start(world, spec)
    assert world.leftovers(spec.id) == []


def test_no_directory_is_made_where_the_session_may_not(world: DockerWorld) -> None:
    read = shared(world, "read", "/home/work/read", read_only=True)
    offered = replace(shared(world, "theirs", "/home/work/offered"), disk_uid=None, offered=True)
    for mount in (read, offered):
        inner = BindMount(world.folder(f"in-{Path(mount.target).name}"), f"{mount.target}/inner")
        with pytest.raises(EngineFailed, match="may make no directory"):
            start(world, world.spec(mounts=(mount, inner)))
        assert not (mount.source / "inner").exists()


def test_it_is_refused_by_name_by_a_server_with_mounts_of_its_own(world: DockerWorld) -> None:
    theirs = shared(world, "theirs", "/home/work/theirs")
    check_shares([theirs], world.options.socket)

    def refused() -> None:
        with pytest.raises(InvalidInput, match="/home/work/theirs") as refusal:
            check_shares([replace(theirs, disk_uid=None), theirs], world.options.socket)
        assert refusal.value.problem.code is Code.SHARE_UNSUPPORTED

    with_own_mounts(lambda _: refused())


def test_a_directory_on_offer_is_the_one_that_was_looked_at_with_what_is_mounted_in_it(world: DockerWorld) -> None:
    place = world.state / "team" / "datasets"
    (place / "disk").mkdir(parents=True, mode=0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", place / "disk"], check=True)
    try:
        (place / "disk" / "file").write_text("there")
        spec = world.spec(mounts=(BindMount(place, "/data", read_only=True, offered=True),))
        staged = stage_others(spec, world.state / "docker" / "mounts", world.options.socket)
        place.rename(place.with_name("before"))
        place.symlink_to("/etc")
        assert sorted(path.name for path in staged.mounts[0].source.iterdir()) == ["disk"]
        clear_stage(spec.id, world.state / "docker" / "mounts")
        place.unlink()
        place.with_name("before").rename(place)
        start(world, spec)
        assert world.inside(spec).output("cat /data/disk/file") == "there"
        assert (place / "disk" / "file").read_text() == "there", "it is still mounted on the host"
    finally:
        subprocess.run(["umount", "-l", place / "disk"], check=True)
        with_engine(world, lambda engine: engine.remove(spec.id))
        shutil.rmtree(place.parent)
