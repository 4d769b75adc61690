"""`DockerEngine`: the port `core.ports.Engine` on the Docker Engine API."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from sshore.core import layout
from sshore.core.allowed import check_host_network
from sshore.core.errors import Conflict, EngineFailed, InvalidInput, SshoreError, Unavailable
from sshore.core.ids import SessionId, new_id
from sshore.core.images import Progress, check_image_name
from sshore.core.live_use import Reading
from sshore.core.sessions import (
    NO_KILLS,
    BindMount,
    Capacity,
    EngineState,
    ImageFacts,
    MemoryKills,
    RunState,
    SessionSpec,
)
from sshore.engines.docker.asking import until_it_listens
from sshore.engines.docker.cancellation import to_its_end
from sshore.engines.docker.container import DEPLOYMENT_LABEL, GPUS_LABEL, SESSION_LABEL, Surroundings
from sshore.engines.docker.daemon import Daemon
from sshore.engines.docker.ending import state_of
from sshore.engines.docker.gpus import NVIDIA, choose_gpus, find_gpus, gpu_driver
from sshore.engines.docker.image_store import DockerImageStore
from sshore.engines.docker.images import Images
from sshore.engines.docker.launch import gpus_taken, launch
from sshore.engines.docker.limits import check_limits
from sshore.engines.docker.live_mounts import can_close_mounts, close_mounts, mount_live, unmount_live
from sshore.engines.docker.meter import Meter
from sshore.engines.docker.options import DockerOptions
from sshore.engines.docker.registries import Registries
from sshore.engines.docker.root import check_root, inside_root, stage_for_root
from sshore.engines.docker.same_directory import check_same_directory
from sshore.engines.docker.staging import check_shares, clear_stage, stage_others
from sshore.engines.memory_kills import memory_kills_of
from sshore.engines.mounting.mount_points import make_mount_points
from sshore.wire.problems import Code

log = logging.getLogger("sshore.docker")

_HOST_SHARE = 0.05
"""Memory that stays with the host: the kernel, the server, the daemon."""
_RETRY_S = 1.0
_KNOWN_FOR_S = 10.0
_LOG_LINES = 10_000


class DockerEngine:
    """Sessions in containers; see the package. One at a time for a state directory."""

    def __init__(self, state_dir: Path, options: DockerOptions | None = None) -> None:
        """`state_dir` exists, on the daemon's machine."""
        self._options = options or DockerOptions()
        self._daemon = Daemon(self._options)
        self._state_dir = state_dir
        self._is_same_directory = False
        self._deployment = _deployment(state_dir)
        registries = Registries(self._daemon, state_dir / "docker", self._options.docker_config)
        self._images = Images(self._daemon, registries, self._deployment)
        self.image_store = DockerImageStore(self._daemon, self._images, registries, self._options, self._deployment)
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._choosing = asyncio.Lock()
        self._meter = Meter(self._daemon, self._show_running)
        self._stage = state_dir / "docker" / "mounts"
        self._stopped: set[SessionId] = set()
        self._info: dict[str, Any] | None = None
        self._info_at_s = 0.0

    @property
    def name(self) -> str:
        return "docker"

    async def aclose(self) -> None:
        """Let go of the engine's own resources; sessions go on."""
        await self._daemon.aclose()

    async def check_state_directory(self) -> None:
        """See `same_directory`; asked until it was found to be so."""
        if not self._is_same_directory:
            await check_same_directory(self._daemon, self._state_dir)
            self._is_same_directory = True

    async def check(self, spec: SessionSpec) -> None:
        if not spec.image:
            raise InvalidInput("the docker engine needs an image: give --image, such as debian:12", field="image")
        check_image_name(spec.image)
        if not self._options.allows(spec.image) and not await self._images.is_own(spec.image, spec.owner_id):
            self._options.check_image(spec.image)
        check_host_network(spec, self._options.host_network)
        await asyncio.to_thread(check_shares, spec.mounts, self._options.socket)
        _check_uid(spec.host_uid)
        await self.check_state_directory()
        info = await self._machine()
        check_limits(spec.resources, info)
        if spec.root:
            await asyncio.to_thread(check_root, spec, self._options.root, self._options.socket)
            inside_root(info)
        if spec.resources.gpus:
            gpu_driver(info)

    async def fetch_image(self, spec: SessionSpec, progress: Progress) -> ImageFacts:
        return await self._images.fetch(spec, progress)

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
                await self._close_mounts_again(session_id)
                for container in await self._containers(session_id):
                    with _gone_already():
                        await container.wait()
            except (Unavailable, DockerError, aiohttp.ClientError, TimeoutError):
                # The daemon is being restarted. Its containers may go on meanwhile, so that this says nothing of them.
                await asyncio.sleep(_RETRY_S)

    async def list(self) -> list[SessionId]:
        containers = await self._daemon.containers(f"{DEPLOYMENT_LABEL}={self._deployment}")
        return sorted({SessionId(container["Labels"][SESSION_LABEL]) for container in containers})

    async def kits(self) -> set[str]:
        listed = await self._daemon.containers(f"{DEPLOYMENT_LABEL}={self._deployment}")
        shown = [await self._show(container) for container in listed]
        return {_kit_of(each) for each in shown if each is not None}

    async def capacity(self) -> Capacity:
        info = self._info or await self._machine()
        return Capacity(
            cpus=float(info["NCPU"]), memory_bytes=int(info["MemTotal"] * (1 - _HOST_SHARE)), gpus=len(find_gpus())
        )

    async def measure(self) -> dict[SessionId, Reading]:
        listed = await self._daemon.containers(f"{DEPLOYMENT_LABEL}={self._deployment}")
        return await self._meter.read([container for container in listed if container["State"] == "running"])

    async def memory_kills(self, session_id: SessionId) -> MemoryKills:
        shown = await self._running(session_id)
        return await asyncio.to_thread(memory_kills_of, shown["State"]["Pid"]) if shown else NO_KILLS

    async def mount(self, session_id: SessionId, mount: BindMount, host_uid: int | None) -> None:
        async with self._alone(session_id):
            shown = await self._running(session_id)
            if not shown:
                raise Conflict("the session does not run", code=Code.SESSION_NOT_RUNNING)
            pid, has_root = int(shown["State"]["Pid"]), shown["Config"]["User"].startswith("0:")
            await asyncio.to_thread(mount_live, pid, session_id, mount, host_uid, has_root=has_root)

    async def unmount(self, session_id: SessionId, mount: BindMount, *, everywhere: bool, by_force: bool) -> bool:
        async with self._alone(session_id):
            shown = await self._running(session_id)
            if not shown:
                return False
            return await asyncio.to_thread(
                unmount_live, int(shown["State"]["Pid"]), session_id, mount, everywhere=everywhere, by_force=by_force
            )

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
            await self._launch(spec, await self._surroundings(spec))

    async def _launch(self, spec: SessionSpec, around: Surroundings) -> None:
        await asyncio.to_thread(make_mount_points, spec.home, spec.mounts, spec.host_uid)
        try:
            await launch(self._daemon, self._images, await self._staged(spec), around)
        finally:
            await asyncio.to_thread(clear_stage, spec.id, self._stage)
        if around.closes_mounts:
            try:
                await self._close_mounts(spec.id)
            except SshoreError as error:
                await self._remove(spec.id)
                raise EngineFailed(error.problem.detail) from error

    async def _close_mounts(self, session_id: SessionId) -> None:
        """Have the container's mounts be nosuid,nodev, which its agent waits for. Raises SshoreError."""
        shown = await self._running(session_id)
        if shown:
            targets = {mount["Destination"] for mount in shown["Mounts"] if mount["Type"] == "bind"}
            try:
                await asyncio.to_thread(close_mounts, int(shown["State"]["Pid"]), session_id, targets)
            except SshoreError:
                if await self._running(session_id):
                    raise

    async def _close_mounts_again(self, session_id: SessionId) -> None:
        """Of a session that another server started, or that was started by other means."""
        if await asyncio.to_thread(can_close_mounts, self._options.socket):
            try:
                await self._close_mounts(session_id)
            except SshoreError as error:
                log.warning(
                    "a session's mounts are not nosuid,nodev",
                    extra={"session": session_id, "reason": error.problem.detail},
                )

    async def _staged(self, spec: SessionSpec) -> SessionSpec:
        """The session with its directories as they are to be in the container, where the daemon finds them."""
        if spec.root:
            root_uid = inside_root(await self._known_machine())
            return await asyncio.to_thread(stage_for_root, spec, root_uid, self._stage)
        return await asyncio.to_thread(stage_others, spec, self._stage, self._options.socket)

    async def _surroundings(self, spec: SessionSpec) -> Surroundings:
        info = await self._known_machine()
        account_id = os.geteuid() if spec.host_uid is None else spec.host_uid
        return Surroundings(
            deployment=self._deployment,
            account_id=0 if spec.root else account_id,
            memory_bytes=info["MemTotal"],
            gpus=await self._choose_gpus(spec),
            gpu_driver=gpu_driver(info) if spec.resources.gpus else NVIDIA,
            bounds_pids=bool(info.get("PidsLimit")),
            closes_mounts=await asyncio.to_thread(can_close_mounts, self._options.socket),
            remaps_users=any("name=userns" in option for option in info.get("SecurityOptions") or ()),
        )

    async def _choose_gpus(self, spec: SessionSpec) -> tuple[str, ...]:
        if not spec.resources.gpus:
            return ()
        running = [it for it in await self._daemon.containers(GPUS_LABEL) if it["State"] in ("running", "paused")]
        return choose_gpus(spec.resources.gpus, find_gpus(), gpus_taken([it["Labels"][GPUS_LABEL] for it in running]))

    async def _end(self, session_id: SessionId, container: DockerContainer, grace_s: float) -> None:
        shown = await self._show_running(container)
        if not shown:
            return
        self._stopped.add(session_id)
        try:
            with self._daemon.errors("stop the session"):
                if grace_s > 0:
                    await until_it_listens(shown["State"]["Pid"], grace_s)
                    await container.stop(t=max(1, round(grace_s)))
                else:
                    with _gone_already():
                        await container.kill()
                    with _gone_already():
                        await container.wait()
        except EngineFailed:
            # Podman without aardvark-dns stops it, and says that it could not (netavark: remove aardvark entries).
            if await self._show_running(container):
                raise

    async def _remove(self, session_id: SessionId) -> None:
        for container in await self._containers(session_id):
            await self._daemon.remove(container.id)
        self._stopped.discard(session_id)
        await asyncio.to_thread(clear_stage, session_id, self._stage)

    async def _containers(self, session_id: SessionId) -> Sequence[DockerContainer]:
        return await self._daemon.containers(f"{SESSION_LABEL}={session_id}", f"{DEPLOYMENT_LABEL}={self._deployment}")

    async def _running(self, session_id: SessionId) -> dict[str, Any]:
        """What the daemon shows of the session's container that runs; nothing where none does."""
        for container in await self._containers(session_id):
            if shown := await self._show_running(container):
                return shown
        return {}

    async def _show_running(self, container: DockerContainer) -> dict[str, Any]:
        shown = await self._show(container)
        runs = shown is not None and state_of(shown, stopped_by_us=False).run_state is RunState.RUNNING
        return shown if shown and runs else {}

    async def _show(self, container: DockerContainer) -> dict[str, Any] | None:
        with self._daemon.errors("look after the session"):
            try:
                return await container.show()
            except DockerError as error:
                if error.status != 404:
                    raise
                return None

    async def _machine(self) -> dict[str, Any]:
        self._info, self._info_at_s = await self._daemon.info(), time.monotonic()
        return self._info

    async def _known_machine(self) -> dict[str, Any]:
        """As it was a moment ago, when the session was looked at: Podman runs three programs to tell."""
        if self._info is None or time.monotonic() - self._info_at_s > _KNOWN_FOR_S:
            return await self._machine()
        return self._info

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


def _kit_of(shown: Mapping[str, Any]) -> str:
    for mount in shown["Mounts"]:
        if mount["Destination"] == layout.KIT:
            return PurePosixPath(mount["Source"]).name
    raise EngineFailed(f"the container {shown['Name']} has no kit")


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
