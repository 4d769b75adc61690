"""Ways out of a session, tried in a sandbox and in a container: they get nowhere, and the session goes on."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from attempts import CALLS, LINES, build_caller
from docker_world import docker_world
from worlds import OWNER_UID, SandboxWorld, eventually, sandbox_world, start

from integration.docker_daemon import DockerDaemon
from sshore.core.errors import SshoreError
from sshore.core.sessions import BindMount, SessionSpec


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("musl-gcc") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("not installed here: musl-gcc")
    return build_caller(tmp_path_factory.mktemp("caller"))


@pytest.fixture(scope="module", params=["sandbox", "docker"])
def daemon(request: pytest.FixtureRequest) -> DockerDaemon | None:
    return request.getfixturevalue("dockerd") if request.param == "docker" else None


@pytest.fixture
def world(daemon: DockerDaemon | None) -> Iterator[SandboxWorld]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with docker_world(daemon) if daemon else sandbox_world(OWNER_UID) as made:
        yield made


def session(world: SandboxWorld, caller: Path, **fields: object) -> SessionSpec:
    spec = world.spec(**fields)  # type: ignore[arg-type]
    shutil.copy(caller, spec.home / "caller")
    start(world, spec)
    return spec


@pytest.fixture
def pair(world: SandboxWorld, caller: Path) -> tuple[SessionSpec, SessionSpec]:
    """Two sessions of one owner: on the host their processes have the same uid."""
    return session(world, caller), session(world, caller)


@pytest.fixture
def spec(world: SandboxWorld, pair: tuple[SessionSpec, SessionSpec]) -> Iterator[SessionSpec]:
    yield pair[0]
    assert world.inside(pair[0]).output("echo the session goes on") == "the session goes on\n"
    assert (pair[0].run / "agent.json").read_text() == f"secret of {pair[0].id}"


def test_what_is_tried_by_commands_gets_nowhere(world: SandboxWorld, spec: SessionSpec) -> None:
    inside = world.inside(spec)
    for line in LINES:
        assert inside.run(line)[0] != 0, line


def test_what_is_tried_by_system_calls_gets_nowhere(world: SandboxWorld, spec: SessionSpec) -> None:
    for call in CALLS:
        status, said = world.inside(spec).run(f"./caller {call}")
        assert (status, said.startswith(f"{call}: ")) == (1, True), said


def test_a_user_namespace_inside_reaches_nothing_more(world: SandboxWorld, spec: SessionSpec) -> None:
    inside = world.inside(spec)
    for line in ("mount -o remount,bind,rw /run/sshore", "umount -l /run/sshore", "mknod /tmp/disk b 254 0"):
        assert inside.run(f"unshare -Urmpf sh -c '{line}'")[0] != 0


def test_sessions_of_one_owner_cannot_touch_each_other(
    world: SandboxWorld, pair: tuple[SessionSpec, SessionSpec]
) -> None:
    spec, other = pair
    inside = world.inside(spec)
    (other.home / "secret").write_text("of the other session")
    victim = world.agent_pid(other.id)
    pids = (victim, world.agent_pid(spec.id))
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {OWNER_UID}
    for line in (
        f"kill -0 {victim}",
        f"./caller trace {victim}",
        f"ls /proc/{victim}/root",
        f"cat {other.home}/secret",
        "cat /proc/[0-9]*/root/home/work/secret /proc/[0-9]*/cwd/secret",
    ):
        assert inside.run(line)[0] != 0, line
    inside.run("kill -9 -1")
    assert world.inside(other).output("echo untouched") == "untouched\n"


def test_tracing_ones_own_agent_gives_ones_own_session_only(world: SandboxWorld, spec: SessionSpec) -> None:
    """Its uid is the user's, who may read its token anyway; what it has open is the session's."""
    opened = world.inside(spec).output("ls -l /proc/1/fd; cat /proc/1/environ | tr '\\0' '\\n'")
    assert str(world.state) not in opened.replace(f"{world.state}/sandbox/logs/", "")
    assert "docker.sock" not in opened and "sshore.db" not in opened


def test_abstract_sockets_and_keys_are_a_sessions_own(
    world: SandboxWorld, spec: SessionSpec, pair: tuple[SessionSpec, SessionSpec]
) -> None:
    inside, other = world.inside(spec), world.inside(pair[1])
    other.output("./caller abstract_listen of-the-other >/dev/null 2>&1 &")
    eventually(lambda: other.run("./caller abstract_connect of-the-other")[0] == 0)
    assert inside.run("./caller abstract_connect of-the-other")[0] == 1
    other.run("./caller add_key of-the-other")
    assert inside.run("./caller find_key of-the-other")[0] == 1


class TestLinks:
    def test_in_the_home_they_lead_no_mount_anywhere(self, world: SandboxWorld, caller: Path) -> None:
        """What a session has left in its home between a stop and a start."""
        folder, outside = made(world, "folder"), made(world, "outside")
        # While bwrap builds a session, the host is at /oldroot.
        seen_by_bwrap = (f"/oldroot{outside}", f"../../../../oldroot{outside}")
        for target in ("/etc", "/opt/sshore", "/run/sshore", str(outside), *seen_by_bwrap):
            spec = world.spec(mounts=(BindMount(folder, "/home/work/data/deep"),))
            (spec.home / "data").symlink_to(target)
            before = {place: sorted(place.iterdir()) for place in (Path("/etc"), outside)}
            try:
                start(world, spec)
            except SshoreError:
                assert world.leftovers(spec.id) == []
            assert {place: sorted(place.iterdir()) for place in before} == before

    def test_swapped_while_a_session_starts_they_lead_nowhere(self, world: SandboxWorld, caller: Path) -> None:
        outer, inner, target = made(world, "outer"), made(world, "inner"), made(world, "target")
        (inner / "file").write_text("of the folder")
        target.chmod(0o700)
        mounts = (BindMount(outer, "/home/work/data"), BindMount(inner, "/home/work/data/deep/below"))
        swapper = session(world, caller, mounts=mounts[:1])
        world.inside(swapper).output(
            f"(while [ ! -e stop ]; do mkdir -p data/deep; rm -rf data/deep; ln -s {target} data/deep; rm data/deep; "
            "ln -s /run/sshore data/deep; rm -f data/deep; done) >/dev/null 2>&1 &"
        )
        try:
            for _ in range(4):
                spec = world.spec(mounts=mounts)
                try:
                    start(world, spec)
                except SshoreError:
                    assert world.leftovers(spec.id) == []
                assert list(target.iterdir()) == []
                assert sorted(path.name for path in spec.run.iterdir()) == ["agent.json", "link"]
        finally:
            (swapper.home / "stop").touch()

    def test_in_a_folder_they_are_followed_inside_only(self, world: SandboxWorld, caller: Path) -> None:
        (world.state / "secret").write_text("of the host")
        folder = made(world, "linked")
        (folder / "link").symlink_to(world.state / "secret")
        (folder / "up").symlink_to("../" * 20 + str(world.state).lstrip("/"))
        spec = session(world, caller, mounts=(BindMount(folder, "/home/work/data"),))
        assert world.inside(spec).run("cat data/link")[0] != 0
        assert world.inside(spec).run("ls data/up/")[0] != 0


def made(world: SandboxWorld, name: str) -> Path:
    """A folder of the owner's."""
    folder = world.state / name
    folder.mkdir()
    os.chown(folder, OWNER_UID, OWNER_UID)
    return folder
