"""GPUs as device nodes, played by copies of /dev/null that only a group can open, as render nodes are."""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import SandboxWorld

from sshore.core.errors import EngineFailed
from sshore.core.sessions import Resources
from sshore.engines.sandbox import engine as engine_module
from sshore.engines.sandbox.gpus import Gpus

_RENDER_GROUP = 70299


@pytest.fixture
def nodes(root_world: SandboxWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    nodes = [Path(f"/dev/sshore-test-{os.getpid()}-{number}") for number in range(2)]
    for node in nodes:
        os.mknod(node, stat.S_IFCHR, os.makedev(1, 3))
        node.chmod(0o660)
        os.chown(node, 0, _RENDER_GROUP)
    monkeypatch.setattr(engine_module, "find_gpus", lambda: Gpus(tuple(map(str, nodes))))
    yield nodes
    for node in nodes:
        node.unlink()


def test_each_session_sees_its_own_gpus_and_no_other(root_world: SandboxWorld, nodes: list[Path]) -> None:
    one = Resources(gpus=1)
    first, second, third, none = (root_world.spec(resources=wanted) for wanted in (one, one, one, Resources()))

    async def start() -> None:
        engine = root_world.engine()
        assert (await engine.capacity()).gpus == 2
        for spec in (first, second, none):
            await engine.start(spec)
        with pytest.raises(EngineFailed, match="1 GPUs are wanted and 0 of 2 are free"):
            await engine.start(third)
        assert third.id not in await engine.list()
        await root_world.close_engines()

    asyncio.run(start())
    seen = [root_world.inside(spec).run("ls /dev/sshore-test-*")[1].split() for spec in (first, second)]
    assert sorted(word for words in seen for word in words) == sorted(map(str, nodes))
    assert root_world.inside(none).run("ls /dev/sshore-test-*")[0] != 0
    root_world.inside(first).output(f"echo x > {seen[0][0]}")


def test_the_gpus_of_an_ended_session_are_free_again(root_world: SandboxWorld, nodes: list[Path]) -> None:
    first, second = (root_world.spec(resources=Resources(gpus=2)) for _ in range(2))

    async def start() -> None:
        engine = root_world.engine()
        await engine.start(first)
        await engine.stop(first.id, 5)
        await engine.start(second)
        await root_world.close_engines()

    asyncio.run(start())
    assert len(root_world.inside(second).output("ls /dev/sshore-test-*").split()) == len(nodes)
