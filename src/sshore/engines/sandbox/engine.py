"""`SandboxEngine`: the port `core.ports.Engine` on bubblewrap."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from anyio import CancelScope

from sshore.core import layout
from sshore.core.allowed import check_host_network
from sshore.core.errors import EngineFailed
from sshore.core.ids import SessionId
from sshore.core.images import Progress
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
from sshore.engines.measuring.nvidia import gpus_by_minor, reading_of
from sshore.engines.measuring.processes import use_of_processes
from sshore.engines.measuring.reading import reading
from sshore.engines.memory_kills import memory_kills
from sshore.engines.mounting.mount_table import mounts_of
from sshore.engines.sandbox import ending, live_mounts
from sshore.engines.sandbox.capacity import machine_capacity
from sshore.engines.sandbox.cgroups import Cgroups
from sshore.engines.sandbox.gpus import find_gpus, minors_of
from sshore.engines.sandbox.launcher import Launcher
from sshore.engines.sandbox.logs import Logs
from sshore.engines.sandbox.options import SandboxOptions
from sshore.engines.sandbox.processes import Children, Process, catches, ended, send
from sshore.engines.sandbox.records import Record, Records

T = TypeVar("T")
_DEFAULTS = SandboxOptions()
_THREADS = 8
_LISTENING_POLL_S = 0.02
_LOG_PAUSE_S = 1.0


class SandboxEngine:
    """Sessions on this machine by bubblewrap; see the package. One at a time for a state directory."""

    def __init__(self, state_dir: Path, limits: Cgroups | None = None, options: SandboxOptions = _DEFAULTS) -> None:
        """`state_dir` exists and, where the server is root, can be traversed by the owners' uids."""
        place = state_dir / "sandbox"
        # The owners' uids run the staged bwrap; all else is the server's own.
        stage = _directory(_directory(place, 0o711) / "bwrap", 0o711)
        self._records = Records(_directory(place / "records", 0o700))
        self._logs = Logs(_directory(place / "logs", 0o700))
        self._gpus = find_gpus()
        self._launcher = Launcher(stage, self._records, self._logs, limits or Cgroups(), self._gpus, options)
        self._children = Children()
        self._options = options
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sandbox")
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()

    @property
    def name(self) -> str:
        return "sandbox"

    async def aclose(self) -> None:
        """Let go of the engine's own resources; sessions go on."""
        self._children.close()
        self._threads.shutdown()
        self._logs.let_go()

    async def check(self, spec: SessionSpec) -> None:
        check_host_network(spec, self._options.host_network)
        await self._in_thread(partial(self._launcher.check, spec))

    async def fetch_image(self, spec: SessionSpec, progress: Progress) -> ImageFacts:
        """None: the host's own system is what a session has."""
        return ImageFacts()

    async def start(self, spec: SessionSpec) -> None:
        async with self._alone(spec.id):
            record = self._records.read(spec.id)
            if record and ending.runs(record):
                return
            await self._launch(spec, record)

    async def stop(self, session_id: SessionId, grace_s: float) -> None:
        async with self._alone(session_id):
            record = self._records.read(session_id)
            if record is None or record.end_reason is not None:
                return
            if record.agent and ending.runs(record):
                # Which keeps the pipe open for its last words.
                await self._in_thread(partial(self._logs.take, session_id))
                await _ask(record.agent, grace_s)
            await self._in_thread(partial(ending.end, self._records, self._logs, record, ending.STOPPED))

    async def remove(self, session_id: SessionId) -> None:
        await self.stop(session_id, 0)
        async with self._alone(session_id):
            self._records.remove(session_id)
            self._logs.remove(session_id)

    async def inspect(self, session_id: SessionId) -> EngineState:
        record = self._records.read(session_id)
        if record and ending.runs(record):
            return EngineState(RunState.RUNNING)
        async with self._alone(session_id):
            return await self._settled(session_id)

    async def wait(self, session_id: SessionId) -> EngineState:
        while True:
            state = await self.inspect(session_id)
            record = self._records.read(session_id)
            if state.run_state is not RunState.RUNNING or record is None or record.agent is None:
                return state
            async with asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(self._take_log(session_id))
                await ended(record.agent)
                taking.cancel()

    async def list(self) -> list[SessionId]:
        return self._records.list()

    async def kits(self) -> set[str]:
        return await self._in_thread(self._kits)

    async def capacity(self) -> Capacity:
        return machine_capacity(self._gpus)

    async def measure(self) -> dict[SessionId, Reading]:
        return await self._in_thread(self._measure)

    async def memory_kills(self, session_id: SessionId) -> MemoryKills:
        record = self._records.read(session_id)
        if record is None or not ending.runs(record):
            return NO_KILLS
        return await self._in_thread(partial(memory_kills, record.cgroups))

    async def mount(self, session_id: SessionId, mount: BindMount, host_uid: int | None) -> None:
        async with self._alone(session_id):
            await self._in_thread(partial(live_mounts.mount, self._records.read(session_id), mount, host_uid))

    async def unmount(self, session_id: SessionId, mount: BindMount, *, everywhere: bool, by_force: bool) -> bool:
        async with self._alone(session_id):
            record = self._records.read(session_id)
            return await self._in_thread(
                partial(live_mounts.unmount, record, mount, everywhere=everywhere, by_force=by_force)
            )

    async def log(self, session_id: SessionId, tail_bytes: int) -> bytes:
        return await self._in_thread(partial(self._logs.tail, session_id, tail_bytes))

    async def _take_log(self, session_id: SessionId) -> None:
        """Take what the session writes into its log, at a pace."""
        pipe = None
        with contextlib.suppress(OSError):  # else it is taken when somebody reads it
            pipe = await self._in_thread(partial(self._logs.opened, session_id))
        if pipe is None:
            return
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        try:
            while True:
                loop.add_reader(pipe, readable.set)
                await readable.wait()
                loop.remove_reader(pipe)
                readable.clear()
                with contextlib.suppress(OSError):  # what cannot be kept is lost; the session goes on
                    await self._in_thread(partial(self._logs.take, session_id))
                await asyncio.sleep(_LOG_PAUSE_S)
        finally:
            loop.remove_reader(pipe)
            os.close(pipe)

    def _kits(self) -> set[str]:
        return {_kit_of(record.agent) for record in self._records.unended() if record.agent and ending.runs(record)}

    def _measure(self) -> dict[SessionId, Reading]:
        records = [record for record in self._records.unended() if record.agent and record.started]
        used = use_of_processes(record.agent.pid for record in records if record.agent)
        gpus = gpus_by_minor() if any(map(minors_of, (record.gpus for record in records))) else {}
        return {
            record.id: reading(pid, used[pid], record.cgroups, reading_of(minors_of(record.gpus), gpus))
            for record in records
            if record.agent and (pid := record.agent.pid) in used and used[pid].start_ticks == record.agent.start_ticks
        }

    async def _launch(self, spec: SessionSpec, leftover: Record | None) -> None:
        try:
            record = await self._in_thread(partial(self._launcher.launch, spec, leftover))
        except asyncio.CancelledError:
            await self._in_thread(partial(ending.forget, self._records, self._logs, spec.id))
            raise
        for process in (record.monitor, record.network):
            if process:
                self._children.watch(process)

    async def _settled(self, session_id: SessionId) -> EngineState:
        record = self._records.read(session_id)
        if record is None:
            return EngineState(RunState.ABSENT)
        if ending.runs(record):
            return EngineState(RunState.RUNNING)
        reason = record.end_reason
        if reason is None:
            reason = (await self._in_thread(partial(ending.end, self._records, self._logs, record))).end_reason
        return EngineState(RunState.EXITED, reason or "")

    @contextlib.asynccontextmanager
    async def _alone(self, session_id: SessionId) -> AsyncIterator[None]:
        """One verb at a time for a session."""
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        async with lock:
            yield

    async def _in_thread(self, function: Callable[[], T]) -> T:
        """Run a blocking function to its end, even when the caller is cancelled: half of it cannot be left."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, function)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await _finished(future)
            raise


async def _finished(future: asyncio.Future[Any]) -> None:
    """Wait for a thread, whoever cancels meanwhile: anyio again and again, asyncio once each time."""
    with CancelScope(shield=True):
        while not future.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
    future.exception()


def _kit_of(agent: Process) -> str:
    for entry in mounts_of(agent.pid):
        if entry.point == layout.KIT:
            return PurePosixPath(entry.root).name
    raise EngineFailed(f"the kit of process {agent.pid} cannot be told")


async def _ask(agent: Process, grace_s: float) -> None:
    """Ask an agent to end, and wait for it, but not longer than `grace_s`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace_s):
            # One that has just started has no handler yet, and would not hear of it; nothing tells when it has.
            while agent.alive and not catches(agent, signal.SIGTERM):  # noqa: ASYNC110
                await asyncio.sleep(_LISTENING_POLL_S)
            send(agent, signal.SIGTERM)
            await ended(agent)


def _directory(path: Path, mode: int) -> Path:
    path.mkdir(exist_ok=True)
    path.chmod(mode)
    return path
