"""Owners' images on a real daemon: the administrator's limits, and what deployments that share a daemon see."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from docker_world import DockerWorld, docker_world
from worlds import start, with_engine

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from sshore.core.ids import UserId
from sshore.core.images import PullProgress
from sshore.core.sessions import Session, SessionSpec
from sshore.core.states import SessionState
from sshore.engines.docker.engine import DockerEngine

ANN, BOB = UserId("annannannann"), UserId("bobbobbobbob")


@pytest.fixture
def world(dockerd: DockerDaemon) -> Iterator[DockerWorld]:
    with docker_world(dockerd) as made:
        yield made
        for tag in kept_images(made):
            dockerd.docker("image", "rm", tag)


def kept_images(world: DockerWorld) -> list[str]:
    """The tags of a world's images: other worlds have theirs on the same daemon."""
    deployment = (world.state / "docker" / "deployment").read_text()
    return world.daemon.ok(
        "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"sshore.local/{deployment}/*/*"
    ).split()


def of_ann(spec: SessionSpec) -> Session:
    """The session that a spec is of, as far as a commit needs to know."""
    return Session(spec.id, ANN, spec.name, SessionState.RUNNING, datetime.now(UTC), "docker", spec.image)


def committed(world: DockerWorld, name: str = "mine:1") -> SessionSpec:
    """A session of Ann's that runs, and has been committed."""
    spec = replace(world.spec(), owner_id=ANN)

    async def steps(engine: DockerEngine) -> None:
        await engine.start(spec)
        await engine.image_store.commit(of_ann(spec), name, pause=True)

    with_engine(world, steps)
    return spec


async def ignore(progress: PullProgress) -> None:
    """Nobody watches."""


def test_patterns_leave_ones_own_images_alone(world: DockerWorld) -> None:
    committed(world)
    world.options = replace(world.options, images=("debian:*",))

    async def steps(engine: DockerEngine) -> None:
        await engine.check(world.spec(image="debian:12"))
        await engine.check(replace(world.spec(image="mine:1"), owner_id=ANN))
        for refused in (world.spec(), replace(world.spec(image="mine:1"), owner_id=BOB)):
            with pytest.raises(Forbidden, match=r"allowed here: debian:\*"):
                await engine.check(refused)
        with pytest.raises(Forbidden):
            await anext(aiter(engine.image_store.pull(BUSYBOX)))
        allowed = {(image.name, image.owner_id): image.allowed for image in await engine.image_store.list()}
        assert (allowed[BUSYBOX, None], allowed["mine:1", ANN]) == (False, True)

    with_engine(world, steps)


def test_the_administrator_may_forbid_commits(world: DockerWorld) -> None:
    spec = committed(world)
    world.options = replace(world.options, commit=False)
    with pytest.raises(Forbidden, match="SSHORE_DOCKER_COMMIT"):
        with_engine(world, lambda engine: engine.image_store.commit(of_ann(spec), "mine:2", pause=True))


@pytest.mark.parametrize("name", ["../containers/json", "a b", "x?all=1", "UPPER"])
def test_what_is_no_name_is_refused_before_the_daemon_is_asked(world: DockerWorld, name: str) -> None:
    with pytest.raises(InvalidInput, match="is no name of an image"):
        with_engine(world, lambda engine: engine.check(world.spec(image=name)))


def test_another_deployment_neither_sees_nor_starts_them(world: DockerWorld, dockerd: DockerDaemon) -> None:
    committed(world)
    with docker_world(dockerd) as other:

        async def steps(engine: DockerEngine) -> None:
            assert not [image for image in await engine.image_store.list() if image.owner_id or "mine" in image.name]
            (tag,) = kept_images(world)
            image_id = dockerd.ok("image", "inspect", "--format", "{{.Id}}", tag).strip()
            for name in (tag, image_id):
                with pytest.raises(NotFound):
                    await engine.fetch_image(replace(other.spec(image=name), owner_id=ANN), ignore)

        with_engine(other, steps)


def test_a_session_of_which_nothing_is_left_cannot_be_kept(world: DockerWorld) -> None:
    spec = committed(world)
    with_engine(world, lambda engine: engine.stop(spec.id, 1))
    with_engine(world, lambda engine: engine.image_store.commit(of_ann(spec), "mine:2", pause=True))
    with_engine(world, lambda engine: engine.remove(spec.id))
    with pytest.raises(Conflict, match="nothing is left"):
        with_engine(world, lambda engine: engine.image_store.commit(of_ann(spec), "mine:3", pause=True))


def test_several_at_once_do_not_disturb_each_other(world: DockerWorld) -> None:
    spec = committed(world)

    async def steps(engine: DockerEngine) -> list[str]:
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(engine.image_store.commit(of_ann(spec), f"at-once:{number % 2}", pause=True))
        return sorted(image.name for image in await engine.image_store.list() if image.owner_id == ANN)

    assert with_engine(world, steps) == ["at-once:0", "at-once:1", "mine:1"]
    assert world.inside(spec).output("echo on").strip() == "on"


@pytest.fixture(scope="module", params=["dockerd", "podman"])
def daemon(request: pytest.FixtureRequest) -> DockerDaemon:
    found: DockerDaemon = request.getfixturevalue(request.param)
    return found


def test_what_commits_have_written_is_known_and_by_whom(daemon: DockerDaemon) -> None:
    """Of one that has lost its name, too, while a session was made from it."""
    daemon.need(BUSYBOX)
    with docker_world(daemon) as world:
        spec = replace(world.spec(), owner_id=ANN)
        start(world, spec)
        world.inside(spec).output("head -c 5m /dev/zero >/tmp/five")
        again = replace(world.spec(name="again", image="mine:1"), owner_id=ANN)

        async def commit_twice(engine: DockerEngine) -> None:
            images = engine.image_store
            before = await images.size_of_commit(of_ann(spec))
            await images.commit(of_ann(spec), "mine:1", pause=True)
            (first,) = await images.committed(ANN)
            assert first.names == ("mine:1",)
            assert 5 << 20 <= first.written_bytes < 6 << 20
            assert abs(first.written_bytes - before) < 1 << 20
            await engine.start(again)
            assert first.written_bytes <= await images.size_of_commit(of_ann(again)) < 6 << 20
            await images.commit(of_ann(spec), "mine:1", pause=True)
            assert [image.names for image in await images.committed(ANN)] == [("mine:1",), ()]
            assert await images.committed(BOB) == []
            await engine.remove(again.id)
            (left,) = await images.committed(ANN)
            assert left.names == ("mine:1",)

        with_engine(world, commit_twice)
        for tag in kept_images(world):
            daemon.docker("image", "rm", tag)
