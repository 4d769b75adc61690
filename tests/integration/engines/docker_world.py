"""The docker engine's world: the tests' own daemon, a state directory, a busybox image, the stand-in kit."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from worlds import OWNER_UID, SandboxWorld, processes_of

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX
from sshore.core.ids import SessionId
from sshore.core.sessions import SessionSpec
from sshore.engines.docker.container import SESSION_LABEL
from sshore.engines.docker.engine import DockerEngine
from sshore.engines.docker.options import DockerOptions


class DockerWorld(SandboxWorld):
    """As the sandbox's, but for the engine."""

    def __init__(self, state: Path, daemon: DockerDaemon, options: DockerOptions) -> None:
        super().__init__(state, OWNER_UID)
        self.daemon = daemon
        self.options = options
        self._docker_engines: list[DockerEngine] = []

    def engine(self) -> DockerEngine:  # type: ignore[override]
        engine = DockerEngine(self.state, self.options)
        self._docker_engines.append(engine)
        return engine

    async def close_engines(self) -> None:
        for engine in self._docker_engines:
            await engine.aclose()
        self._docker_engines.clear()

    def spec(self, *, image: str = BUSYBOX, **fields: object) -> SessionSpec:
        return replace(super().spec(**fields), image=image)  # type: ignore[arg-type]

    def container(self, session_id: SessionId) -> str:
        (container,) = self.daemon.containers(f"{SESSION_LABEL}={session_id}")
        return container

    def agent_pid(self, session_id: SessionId) -> int:
        return int(self.daemon.inspect(self.container(session_id))["State"]["Pid"])

    def kill_agent(self, session_id: SessionId) -> None:
        os.kill(self.agent_pid(session_id), signal.SIGKILL)

    def identity(self, session_id: SessionId) -> object:
        return self.container(session_id), self.agent_pid(session_id)

    def leftovers(self, session_id: SessionId) -> list[str]:
        containers = self.daemon.containers(f"{SESSION_LABEL}={session_id}")
        mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if session_id in line]
        return [*containers, *mounts, *map(str, processes_of(session_id))]


@contextmanager
def docker_world(daemon: DockerDaemon, **options: object) -> Iterator[DockerWorld]:
    """A world that leaves no container and no directory behind."""
    state = Path(tempfile.mkdtemp(prefix="sshore-docker-"))
    state.chmod(0o711)
    world = DockerWorld(state, daemon, DockerOptions(host=daemon.host, **options))  # type: ignore[arg-type]
    try:
        yield world
    finally:
        asyncio.run(_remove_all(world))
        shutil.rmtree(state)


async def _remove_all(world: DockerWorld) -> None:
    engine = world.engine()
    for session_id in await engine.list():
        await engine.remove(session_id)
    await world.close_engines()
