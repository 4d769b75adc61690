"""`DockerEngine`: the port `core.ports.Engine` on the Docker Engine API."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from sshore.core.errors import EngineFailed, InvalidInput, SshoreError, Unavailable
from sshore.core.ids import SessionId, new_id
from sshore.core.sessions import Capacity, EngineState, Network, RunState, SessionSpec
from sshore.engines.docker.asking import until_it_listens
from sshore.engines.docker.cancellation import to_its_end
from sshore.engines.docker.container import DEPLOYMENT_LABEL, GPUS_LABEL, SESSION_LABEL, Surroundings
from sshore.engines.docker.daemon import Daemon
from sshore.engines.docker.ending import state_of
from sshore.engines.docker.gpus import choose_gpus, find_gpus
from sshore.engines.docker.images import Images, Progress
from sshore.engines.docker.launch import gpus_taken, launch
from sshore.engines.docker.options import DockerOptions
from sshore.wire.problems import Code

_HOST_SHARE = 0.05
"""Memory that stays with the host: the kernel, the server, the daemon."""
_RETRY_S = 1.0
_LOG_LINES = 10_000
_LIMITS = {"cpus": "CpuCfsQuota", "memory_bytes": "MemoryLimit", "pids": "PidsLimit"}


class DockerEngine:
    """Sessions in containers; see the package. One at a time for a state directory."""

    def __init__(self, state_dir: Path, options: DockerOptions | None = None) -> None:
        """`state_dir` exists, on the daemon's machine."""
        self._options = options or DockerOptions()
        self._daemon = Daemon(self._options)
        self._images = Images(self._daemon)
        self._deployment = _deployment(state_dir)
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._choosing = asyncio.Lock()
        self._stopped: set[SessionId] = set()
        self._info: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return "docker"

    async def aclose(self) -> None:
        """Let go of the engine's own resources; sessions go on."""
        await self._daemon.aclose()

    async def answers(self) -> bool:
        """Whether the daemon does."""
        try:
            await self._machine()
        except SshoreError:
            return False
        return True

    async def check(self, spec: SessionSpec) -> None:
        if not spec.image:
            raise InvalidInput("the docker engine needs an image: give --image, such as debian:12", field="image")
        self._options.check_image(spec.image)
        if spec.network is Network.HOST and not self._options.host_network:
            raise InvalidInput(
                "the network `host` is not allowed for containers here: choose nat or none, or have the "
                "administrator set SSHORE_DOCKER_HOST_NETWORK=1",
                field="network",
            )
        if any(mount.disk_uid for mount in spec.mounts):
            raise InvalidInput(
                "a folder that somebody else shares cannot be mounted in a container, where its files would not be the "
                "session's own: use the sandbox engine, or sshore cp and sftp with folder:OWNER/NAME",
                field="mounts",
            )
        _check_uid(spec.host_uid)
        self._check_limits(spec, await self._machine())

    async def fetch_image(self, spec: SessionSpec, progress: Progress) -> dict[str, str]:
        return await self._images.fetch(spec.image, progress)

    async def start(self, spec: SessionSpec) -> None:
        async with self._alone(spec.id):
            await to_its_end(self._start(spec), undo=lambda: self._remove(spec.id))

    async def stop(self, session_id: SessionId, grace_s: float) -> None:
        async with self._alone(session_id):
            for container in await self._containers(session_id):
                await self._end(session_id, container, grace_s)

    async def remove(self, session_id: SessionId) -> None:
        async with self._alone(session_id):
            await to_its_end(self._remove(session_id))

    async def inspect(self, session_id: SessionId) -> EngineState:
        state = EngineState(RunState.ABSENT)
        for container in await self._containers(session_id):
            shown = await self._show(container)
            if shown is not None:
                state = state_of(shown, stopped_by_us=session_id in self._stopped)
            if state.run_state is RunState.RUNNING:
                break
        return state

    async def wait(self, session_id: SessionId) -> EngineState:
        while True:
            try:
                state = await self.inspect(session_id)
                if state.run_state is not RunState.RUNNING:
                    return state
                for container in await self._containers(session_id):
                    with _gone_already():
                        await container.wait()
            except (Unavailable, DockerError, aiohttp.ClientError, TimeoutError):
                # The daemon is being restarted. Its containers may go on meanwhile, so that this says nothing of them.
                await asyncio.sleep(_RETRY_S)

    async def list(self) -> list[SessionId]:
        containers = await self._daemon.containers(f"{DEPLOYMENT_LABEL}={self._deployment}")
        return sorted({SessionId(container["Labels"][SESSION_LABEL]) for container in containers})

    async def capacity(self) -> Capacity:
        info = self._info or await self._machine()
        return Capacity(
            cpus=float(info["NCPU"]), memory_bytes=int(info["MemTotal"] * (1 - _HOST_SHARE)), gpus=len(find_gpus())
        )

    async def cpu_times_s(self) -> dict[SessionId, float]:
        return {
            SessionId(container["Labels"][SESSION_LABEL]): seconds
            for container in await self._daemon.containers(f"{DEPLOYMENT_LABEL}={self._deployment}")
            if container["State"] == "running" and (seconds := await self._daemon.cpu_time_s(container)) is not None
        }

    async def log(self, session_id: SessionId, tail_bytes: int) -> bytes:
        if tail_bytes <= 0:
            return b""
        lines: list[str] = []
        for container in await self._containers(session_id):
            with self._daemon.errors("read the log"):
                lines += await container.log(stdout=True, stderr=True, tail=str(min(tail_bytes, _LOG_LINES)))
        return "".join(lines).encode()[-tail_bytes:]

    async def _start(self, spec: SessionSpec) -> None:
        if (await self.inspect(spec.id)).run_state is RunState.RUNNING:
            return
        await self._remove(spec.id)
        async with self._choosing if spec.resources.gpus else contextlib.nullcontext():
            await launch(self._daemon, self._images, spec, await self._surroundings(spec))

    async def _surroundings(self, spec: SessionSpec) -> Surroundings:
        info = await self._machine()
        return Surroundings(
            deployment=self._deployment,
            account_id=os.geteuid() if spec.host_uid is None else spec.host_uid,
            memory_bytes=info["MemTotal"],
            gpus=await self._choose_gpus(spec),
            remaps_users=any("name=userns" in option for option in info.get("SecurityOptions") or ()),
        )

    async def _choose_gpus(self, spec: SessionSpec) -> tuple[str, ...]:
        if not spec.resources.gpus:
            return ()
        running = [it for it in await self._daemon.containers(GPUS_LABEL) if it["State"] in ("running", "paused")]
        return choose_gpus(spec.resources.gpus, find_gpus(), gpus_taken([it["Labels"][GPUS_LABEL] for it in running]))

    async def _end(self, session_id: SessionId, container: DockerContainer, grace_s: float) -> None:
        shown = await self._show(container)
        if shown is None or state_of(shown, stopped_by_us=False).run_state is not RunState.RUNNING:
            return
        self._stopped.add(session_id)
        with self._daemon.errors("stop the session"):
            if grace_s > 0:
                await until_it_listens(shown["State"]["Pid"], grace_s)
                await container.stop(t=max(1, round(grace_s)))
            else:
                with _gone_already():
                    await container.kill()
                with _gone_already():
                    await container.wait()

    async def _remove(self, session_id: SessionId) -> None:
        for container in await self._containers(session_id):
            await self._daemon.remove(container.id)
        self._stopped.discard(session_id)

    async def _containers(self, session_id: SessionId) -> Sequence[DockerContainer]:
        return await self._daemon.containers(f"{SESSION_LABEL}={session_id}", f"{DEPLOYMENT_LABEL}={self._deployment}")

    async def _show(self, container: DockerContainer) -> dict[str, Any] | None:
        with self._daemon.errors("look after the session"):
            try:
                return await container.show()
            except DockerError as error:
                if error.status != 404:
                    raise
                return None

    async def _machine(self) -> dict[str, Any]:
        self._info = await self._daemon.info()
        return self._info

    def _check_limits(self, spec: SessionSpec, info: dict[str, Any]) -> None:
        for limit, can in _LIMITS.items():
            if getattr(spec.resources, limit) is not None and not info.get(can, True):
                raise InvalidInput(
                    f"the Docker daemon cannot limit {limit.removesuffix('_bytes')} on this machine",
                    code=Code.LIMIT_UNSUPPORTED,
                    field=limit,
                )

    @contextlib.asynccontextmanager
    async def _alone(self, session_id: SessionId) -> AsyncIterator[None]:
        """One verb at a time for a session."""
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        async with lock:
            yield


def _deployment(state_dir: Path) -> str:
    """What tells this server's containers from those of other servers on the same daemon."""
    directory = state_dir / "docker"
    directory.mkdir(mode=0o700, exist_ok=True)
    file = directory / "deployment"
    if not file.exists():
        aside = file.with_suffix(".new")
        aside.write_text(new_id())
        aside.replace(file)
    return file.read_text().strip()


def _check_uid(host_uid: int | None) -> None:
    if host_uid == 0 or (host_uid is None and os.geteuid() == 0):
        raise EngineFailed("a server that is root must give every owner a uid of its own, other than 0")


@contextlib.contextmanager
def _gone_already() -> Iterator[None]:
    try:
        yield
    except DockerError as error:
        if error.status not in (404, 409):
            raise
