"""Folders that come into a running session: what they may do there, and that they are gone when they are taken away."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from as_ordinary_user import run_as_user
from worlds import (
    ORDINARY_USER_UID,
    OTHER_OWNER_UID,
    OWNER_UID,
    UNFILTERED,
    SandboxWorld,
    sandbox_world,
    start,
    with_engine,
)

from sshore.core.errors import Conflict, EngineFailed
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.sandbox import SandboxEngine

Scenario = Callable[[SandboxWorld], None]

# Sees nothing but a copy of what was mounted: a file of it, or all of it by a mount that is nowhere (open_tree(2)).
LEAVES_ALL_BUT_A_COPY = """
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
tree = libc.syscall(428, -100, b"data", 1) if "nowhere" in sys.argv else None
os.makedirs("/tmp/new", exist_ok=True)
assert libc.mount(b"none", b"/tmp/new", b"tmpfs", 0, None) == 0
os.mkdir("/tmp/new/old")
open("/tmp/new/file", "w").close()
assert tree or libc.mount(b"data/of-data", b"/tmp/new/file", None, 4096, None) == 0
os.chdir("/tmp/new")
assert libc.pivot_root(b".", b"old") == 0 and libc.umount2(b"/old", 2) == 0
os.chdir("/")
os.stat("of-data", dir_fd=tree) if tree else open("/file").read(1)
time.sleep(300)
"""

HOLDERS = ("sleep 300 <data/of-data", "cd data && exec sleep 300")
HOLDERS_IN_MOUNTS_OF_THEIR_OWN = (
    "exec unshare -Urm sleep 300",
    "exec unshare -Urmpf sh -c 'mkdir data2; mount --bind data data2; umount data; sleep 300'",
    "exec unshare -Urm python3 leave.py",
    "exec unshare -Urm python3 leave.py nowhere",
)
"""Of one who has the server to himself, and wants no filter: else sessions make no user namespaces."""


def everywhere(scenario: Scenario) -> Callable[[str], None]:
    """The scenario with a server that is root, and with one that is not."""

    def test(who: str) -> None:
        if who == "root" and os.getuid() == 0:
            with sandbox_world(OWNER_UID) as world:
                scenario(world)
        elif who == "root":
            pytest.skip("needs root")
        elif os.getuid() == 0:
            run_as_user(ORDINARY_USER_UID, lambda: as_user(scenario))
        else:
            as_user(scenario)

    return pytest.mark.parametrize("who", ["root", "user"])(test)


def as_user(scenario: Scenario) -> None:
    with sandbox_world(None) as world:
        world.options = UNFILTERED
        scenario(world)


def mount(world: SandboxWorld, spec: SessionSpec, wanted: BindMount) -> None:
    async def work(engine: SandboxEngine) -> None:
        await engine.mount(spec.id, wanted, spec.host_uid)

    with_engine(world, work)


def unmount(world: SandboxWorld, spec: SessionSpec, unwanted: BindMount, *, by_force: bool = False) -> bool:
    async def work(engine: SandboxEngine) -> bool:
        return await engine.unmount(spec.id, unwanted, everywhere=True, by_force=by_force)

    return with_engine(world, work)


@everywhere
def test_what_is_read_only_stays_so(world: SandboxWorld) -> None:
    spec, folder = world.spec(), world.folder("data")
    start(world, spec)
    mount(world, spec, BindMount(folder, "/home/work/a/b", read_only=True))
    inside = world.inside(spec)
    assert inside.output("cat a/b/of-data; stat -c %U a a/b/of-data") == "datawork\nwork\n"
    for attempt in ("echo x >a/b/new", "rm -f a/b/of-data", "unshare -Urm mount -o remount,rw,bind a/b"):
        assert inside.run(attempt)[0] != 0, attempt
    inside.output("touch a/beside")
    assert [file.name for file in folder.iterdir()] == ["of-data"]


@everywhere
def test_a_place_outside_the_home(world: SandboxWorld) -> None:
    spec = world.spec()
    start(world, spec)
    folder = world.folder("data")
    for target in ("/data/deep", "/tmp/data", "/data/deep2"):
        mount(world, spec, BindMount(folder, target))
        assert world.listing(spec, target) == ["of-data"]
    inside = world.inside(spec)
    inside.output("echo there >/data/deep/new")
    assert inside.run("mkdir /elsewhere")[0] != 0, "the root is read-only as before"
    with pytest.raises(Conflict):
        mount(world, spec, BindMount(world.folder("more"), "/usr/share/nowhere"))
    assert not Path("/usr/share/nowhere").exists()


@everywhere
def test_no_link_of_the_users_leads_us(world: SandboxWorld) -> None:
    spec, folder = world.spec(), world.folder("data")
    start(world, spec)
    inside = world.inside(spec)
    inside.output("ln -s /opt/sshore kit; ln -s /run up; mkdir plain; ln -s ../kit plain/kit; touch file")
    for target in ("kit", "up/sshore", "plain/kit/bin", "file", "file/below"):
        with pytest.raises(Conflict):
            mount(world, spec, BindMount(folder, f"/home/work/{target}"))
    assert inside.run("ls /opt/sshore/of-data /run/sshore/of-data")[0] != 0
    inside.output("ls /opt/sshore/python/bin/python3")


@everywhere
def test_a_folder_in_use_is_told_and_is_out_of_reach_for_who_comes_later(world: SandboxWorld) -> None:
    spec, unwanted = world.spec(), BindMount(world.folder("data"), "/home/work/data")
    start(world, spec)
    mount(world, spec, unwanted)
    inside = world.inside(spec)
    inside.output("sleep 300 <data/of-data >/dev/null 2>&1 & echo $! >sleeper")
    assert unmount(world, spec, unwanted)
    assert inside.output("ls data; kill -0 $(cat sleeper) && echo lives") == "lives\n"


@everywhere
def test_by_force_no_process_keeps_it(world: SandboxWorld) -> None:
    spec, unwanted = world.spec(), BindMount(world.folder("data"), "/home/work/data")
    start(world, spec)
    mount(world, spec, unwanted)
    inside = world.inside(spec)
    inside.output(f"cat >leave.py <<'END'\n{LEAVES_ALL_BUT_A_COPY}END")
    for number, holder in enumerate(HOLDERS if world.owner_uid else HOLDERS + HOLDERS_IN_MOUNTS_OF_THEIR_OWN):
        inside.output(f"sh -c {holder!r} >/dev/null 2>&1 & echo $! >holder{number}")
    inside.output("sleep 300 >/dev/null 2>&1 & echo $! >innocent; sleep 0.5")
    inside.output("for f in holder?; do kill -0 $(cat $f) || exit 1; done")
    assert not unmount(world, spec, unwanted, by_force=True)
    living = inside.run("for f in holder?; do kill -0 $(cat $f) 2>/dev/null && echo $f; done; ls data data2")[1]
    assert "holder" not in living and "of-data" not in living
    inside.output("kill -0 $(cat innocent)")


@everywhere
def test_moving_what_is_above_keeps_nobody_from_taking_it_away(world: SandboxWorld) -> None:
    spec, unwanted = world.spec(), BindMount(world.folder("data"), "/home/work/a/data")
    start(world, spec)
    mount(world, spec, unwanted)
    inside = world.inside(spec)
    inside.output("mv a b; mkdir a; ln -s /opt/sshore a/data; cat b/data/of-data")
    assert not unmount(world, spec, unwanted, by_force=True)
    assert inside.run("ls b/data")[1] == ""
    inside.output("ls /opt/sshore/python")


@everywhere
def test_a_restart_mounts_what_the_session_has_then(world: SandboxWorld) -> None:
    spec, wanted = world.spec(), BindMount(world.folder("data"), "/home/work/data")
    start(world, spec)
    mount(world, spec, wanted)

    async def anew(engine: SandboxEngine) -> None:
        await engine.stop(spec.id, 5)
        await engine.start(spec)

    with_engine(world, anew)
    assert world.listing(spec, "data") == []
    with pytest.raises(EngineFailed):
        mount(world, spec, BindMount(world.state / "nothing", "/home/work/x"))


def test_others_files_are_the_sessions_own(root_world: SandboxWorld) -> None:
    world = root_world
    folder = world.folder("theirs", OTHER_OWNER_UID)
    spec = world.spec()
    start(world, spec)
    mount(world, spec, BindMount(folder, "/home/work/theirs", disk_uid=OTHER_OWNER_UID))
    inside = world.inside(spec)
    assert inside.output("stat -c %U theirs/of-theirs; umask 077; echo x >theirs/new") == "work\n"
    assert (folder / "new").stat().st_uid == OTHER_OWNER_UID
    assert not unmount(world, spec, BindMount(folder, "/home/work/theirs"), by_force=True)
    assert inside.run("ls theirs")[1] == ""


@pytest.mark.parametrize("place", ["/data/offer", "/home/work/offer"])
def test_on_the_way_to_a_place_nothing_is_made_where_the_session_may_not(root_world: SandboxWorld, place: str) -> None:
    world = root_world
    roots, theirs = world.state / "offer", world.folder("theirs", OTHER_OWNER_UID)
    roots.mkdir(mode=0o755)
    team = roots / "team"  # for a group of root's, which the session's uid is not in
    team.mkdir()
    team.chmod(0o775)
    spec = world.spec()
    start(world, spec)
    mount(world, spec, BindMount(roots, place, offered=True))
    mount(world, spec, BindMount(theirs, "/data/theirs", disk_uid=OTHER_OWNER_UID))
    own, data = world.folder("own"), world.folder("data")
    mount(world, spec, BindMount(own, "/data/own"))
    for target in (f"{place}/a/b", f"{place}/team/a"):
        with pytest.raises(Conflict):
            mount(world, spec, BindMount(data, target))
    assert [path.name for path in roots.rglob("*")] == ["team"]
    for target in ("/data/theirs/a/b", "/data/own/a/b"):
        mount(world, spec, BindMount(data, target))
        assert world.listing(spec, target) == ["of-data"]
    assert (theirs / "a").stat().st_uid == OTHER_OWNER_UID
    assert (own / "a").stat().st_uid == OWNER_UID


@everywhere
def test_a_directory_on_offer_is_not_left_by_a_link(world: SandboxWorld) -> None:
    place = world.state / "team" / "datasets"
    place.mkdir(parents=True, mode=0o755)
    spec, offered = world.spec(), BindMount(place, "/home/work/datasets", offered=True)
    start(world, spec)
    mount(world, spec, offered)
    unmount(world, spec, offered)
    shutil.move(place, place.with_name("before"))
    place.symlink_to(world.state / "sessions")
    with pytest.raises(EngineFailed, match="symbolic link"):
        mount(world, spec, offered)
    with pytest.raises(EngineFailed, match="symbolic link"):
        start(world, world.spec(mounts=(offered,)))
