"""Where limits are written, on trees laid out as the kernel's: version 2 alone, version 1, and both."""

from pathlib import Path

import pytest

from sshore.core.errors import InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import Resources
from sshore.engines.sandbox.cgroups import Cgroups, attach, out_of_memory_kills, remove
from sshore.wire.problems import Code

ID = SessionId("abcdefghijkm")
WANTED = Resources(cpus=1.5, memory_bytes=64 << 20, pids=100)


def group_v2(directory: Path, controllers: str = "cpu io memory pids", *, root: bool = False) -> Path:
    """A group of version 2; the host's root group is the only one without a type."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cgroup.controllers").write_text(controllers + "\n")
    (directory / "cgroup.subtree_control").write_text("")
    (directory / "cgroup.procs").write_text("")
    if not root:
        (directory / "cgroup.type").write_text("domain\n")
    return directory


def membership(tmp_path: Path, text: str = "0::/\n") -> Path:
    path = tmp_path / "membership"
    path.write_text(text)
    return path


def v1(tmp_path: Path, *controllers: str) -> Path:
    for controller in controllers:
        (tmp_path / "fs" / controller).mkdir(parents=True)
        (tmp_path / "fs" / controller / "cgroup.procs").write_text("")
    return tmp_path / "fs"


def test_version_2_for_root(tmp_path: Path) -> None:
    root = group_v2(tmp_path / "fs", root=True)
    group_v2(root / "sshore")
    cgroups = Cgroups(root, membership(tmp_path))
    cgroups.check(WANTED)
    directories = cgroups.plan(ID, WANTED)
    assert directories == (root / "sshore" / ID,)
    directories[0].mkdir()
    (directories[0] / "memory.swap.max").write_text("max")
    cgroups.make(directories, WANTED)
    assert (root / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert (root / "sshore" / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert {path.name: path.read_text() for path in directories[0].iterdir()} == {
        "cpu.max": "150000 100000",
        "memory.max": str(64 << 20),
        "memory.swap.max": "0",
        "pids.max": "100",
    }


def test_version_2_for_a_user_with_a_delegated_subtree(tmp_path: Path) -> None:
    root = group_v2(tmp_path / "fs")
    own = group_v2(root / "user.slice" / "run-1.scope", "memory pids")
    group_v2(own / "sshore", "memory pids")
    (own / "sshore-server").mkdir()
    (own / "cgroup.procs").write_text("4711\n")
    cgroups = Cgroups(root, membership(tmp_path, "1:name=systemd:/x\n0::/user.slice/run-1.scope\n"))
    wanted = Resources(memory_bytes=64 << 20)
    directories = cgroups.plan(ID, wanted)
    assert directories == (own / "sshore" / ID,)
    cgroups.make(directories, wanted)
    # Processes may only be in leaves: the server has moved into one.
    assert (own / "sshore-server" / "cgroup.procs").read_text() == "4711"
    assert (directories[0] / "memory.max").read_text() == str(64 << 20)
    with pytest.raises(InvalidInput, match="limit on cpus"):
        cgroups.check(Resources(cpus=1))


def test_a_restarted_server_in_its_leaf_uses_the_same_subtree(tmp_path: Path) -> None:
    root = group_v2(tmp_path / "fs")
    own = group_v2(root / "run-1.scope")
    cgroups = Cgroups(root, membership(tmp_path, "0::/run-1.scope/sshore-server\n"))
    assert cgroups.plan(ID, Resources(pids=20)) == (own / "sshore" / ID,)


def test_version_1(tmp_path: Path) -> None:
    root = v1(tmp_path, "cpu", "memory", "pids")
    cgroups = Cgroups(root, membership(tmp_path))
    directories = cgroups.plan(ID, WANTED)
    assert directories == tuple(root / name / "sshore" / ID for name in ("cpu", "memory", "pids"))
    directories[1].mkdir(parents=True)
    (directories[1] / "memory.memsw.limit_in_bytes").write_text("max")
    cgroups.make(directories, WANTED)
    written = {path.name: path.read_text() for directory in directories for path in directory.iterdir()}
    assert written == {
        "cpu.cfs_period_us": "100000",
        "cpu.cfs_quota_us": "150000",
        "memory.limit_in_bytes": str(64 << 20),
        "memory.memsw.limit_in_bytes": str(64 << 20),
        "pids.max": "100",
    }


def test_both_versions_each_controller_where_it_is(tmp_path: Path) -> None:
    root = v1(tmp_path, "memory")
    unified = group_v2(root / "unified", "pids", root=True)
    group_v2(unified / "sshore", "pids")
    cgroups = Cgroups(root, membership(tmp_path))
    wanted = Resources(memory_bytes=64 << 20, pids=50)
    directories = cgroups.plan(ID, wanted)
    assert directories == (root / "memory" / "sshore" / ID, unified / "sshore" / ID)
    cgroups.make(directories, wanted)
    assert (directories[0] / "memory.limit_in_bytes").exists()
    assert (directories[1] / "pids.max").read_text() == "50"
    assert not (directories[1] / "memory.limit_in_bytes").exists()


def test_a_limit_without_a_place_is_refused(tmp_path: Path) -> None:
    cgroups = Cgroups(v1(tmp_path, "memory"), membership(tmp_path))
    cgroups.check(Resources(memory_bytes=64 << 20))
    with pytest.raises(InvalidInput, match="limit on pids cannot be enforced here") as refusal:
        cgroups.check(Resources(pids=100))
    assert refusal.value.problem.code is Code.LIMIT_UNSUPPORTED


def test_no_limits_need_no_groups(tmp_path: Path) -> None:
    cgroups = Cgroups(tmp_path, membership(tmp_path))
    cgroups.check(Resources())
    assert cgroups.plan(ID, Resources()) == ()


@pytest.mark.parametrize("name", ["memory.events", "memory.oom_control"])
def test_kills_for_want_of_memory_are_counted(tmp_path: Path, name: str) -> None:
    assert out_of_memory_kills([tmp_path]) == 0
    (tmp_path / name).write_text("under_oom 0\noom_kill 2\noom_kill_disable 0\n")
    assert out_of_memory_kills([tmp_path]) == 2


def test_a_process_is_put_into_every_group_and_groups_go(tmp_path: Path) -> None:
    groups = [tmp_path / "one", tmp_path / "two"]
    for group in groups:
        group.mkdir()
    attach(groups, 4711)
    for group in groups:
        assert (group / "cgroup.procs").read_text() == "4711"
        (group / "cgroup.procs").unlink()
    remove(groups)
    remove(groups)
    assert not any(group.exists() for group in groups)
