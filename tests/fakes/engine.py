"""An engine in memory that keeps `core.ports.Engine`'s promises: it passes the engines' contract suite."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from sshore.core.errors import Conflict, EngineFailed, InvalidInput
from sshore.core.ids import SessionId
from sshore.core.images import Progress, PullProgress
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
from sshore.wire.problems import Code

_CAPACITY = Capacity(cpus=4.0, memory_bytes=8 << 30, gpus=0)


@dataclass
class FakeSession:
    """A session's "processes": they run until `ended` is set."""

    spec: SessionSpec
    reason: str = ""
    log: bytes = b"agent started\n"
    cpu_s: float = 0.0
    memory_bytes: int = 1 << 20
    memory_kills: MemoryKills = NO_KILLS
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class FakeMachine:
    """What outlives the server: hand it to a new `FakeEngine` to play a restart."""

    sessions: dict[SessionId, FakeSession] = field(default_factory=dict)


class FakeEngine:
    """`failures` are sessions whose start fails, with the reason; `unsupported_limits` are fields of `Resources`.
    `mounts_at_start_only`: mounts of running sessions cannot be changed; `clinging`: sessions that keep them in use."""

    def __init__(
        self,
        machine: FakeMachine | None = None,
        *,
        name: str = "sandbox",
        capacity: Capacity = _CAPACITY,
    ) -> None:
        self.machine = machine or FakeMachine()
        self.failures: dict[SessionId, str] = {}
        self.unsupported_limits: set[str] = set()
        self.mounts_at_start_only = False
        self.clinging: set[SessionId] = set()
        self.image = ImageFacts()
        self.pull: AsyncIterator[PullProgress] | None = None
        self._name = name
        self._capacity = capacity

    @property
    def name(self) -> str:
        return self._name

    async def aclose(self) -> None:
        """Nothing to let go of; sessions go on."""

    def end(self, session_id: SessionId, reason: str = "the agent ended with exit status 1") -> None:
        """Play a session whose agent ends by itself."""
        session = self.machine.sessions[session_id]
        if not session.ended.is_set():
            session.reason = reason
            session.ended.set()

    async def check(self, spec: SessionSpec) -> None:
        for limit in sorted(self.unsupported_limits):
            if getattr(spec.resources, limit):
                raise InvalidInput(f"a limit on {limit} cannot be enforced here", code=Code.LIMIT_UNSUPPORTED)

    async def fetch_image(self, spec: SessionSpec, progress: Progress) -> ImageFacts:
        if self.pull is not None:
            async for step in self.pull:
                await progress(step)
        return self.image

    async def start(self, spec: SessionSpec) -> None:
        if self._runs(spec.id):
            return
        await self.check(spec)
        await asyncio.sleep(0)
        if spec.id in self.failures:
            self.machine.sessions.pop(spec.id, None)
            raise EngineFailed(self.failures[spec.id])
        self.machine.sessions[spec.id] = FakeSession(spec)

    async def stop(self, session_id: SessionId, grace_s: float) -> None:
        await asyncio.sleep(0)
        if self._runs(session_id):
            self.end(session_id, "stopped")

    async def remove(self, session_id: SessionId) -> None:
        await self.stop(session_id, 0)
        self.machine.sessions.pop(session_id, None)

    async def inspect(self, session_id: SessionId) -> EngineState:
        session = self.machine.sessions.get(session_id)
        if session is None:
            return EngineState(RunState.ABSENT)
        if session.ended.is_set():
            return EngineState(RunState.EXITED, session.reason)
        return EngineState(RunState.RUNNING)

    async def wait(self, session_id: SessionId) -> EngineState:
        session = self.machine.sessions.get(session_id)
        if session is not None:
            await session.ended.wait()
        return await self.inspect(session_id)

    async def list(self) -> list[SessionId]:
        return [*self.machine.sessions]

    async def kits(self) -> set[str]:
        return {session.spec.kit.name for session in self.machine.sessions.values() if not session.ended.is_set()}

    async def capacity(self) -> Capacity:
        return self._capacity

    async def measure(self) -> dict[SessionId, Reading]:
        running = {id_: session for id_, session in self.machine.sessions.items() if not session.ended.is_set()}
        return {
            id_: Reading(session.cpu_s, session.memory_bytes, received_bytes=0, sent_bytes=0)
            for id_, session in running.items()
        }

    async def memory_kills(self, session_id: SessionId) -> MemoryKills:
        return self.machine.sessions[session_id].memory_kills if self._runs(session_id) else NO_KILLS

    async def mount(self, session_id: SessionId, mount: BindMount, host_uid: int | None) -> None:
        if self.mounts_at_start_only:
            raise Conflict("it cannot be done here", code=Code.LIVE_MOUNT_UNSUPPORTED)
        if not self._runs(session_id):
            raise Conflict("the session does not run", code=Code.SESSION_NOT_RUNNING)
        mounted = self.mounted(session_id)
        if any(other.target == mount.target and other.source != mount.source for other in mounted):
            raise Conflict(f"something else is mounted at {mount.target}")
        if all(other.target != mount.target for other in mounted):
            session = self.machine.sessions[session_id]
            session.spec = replace(session.spec, mounts=(*mounted, mount))

    async def unmount(self, session_id: SessionId, mount: BindMount, *, everywhere: bool, by_force: bool) -> bool:
        if self.mounts_at_start_only:
            raise Conflict("it cannot be done here", code=Code.LIVE_MOUNT_UNSUPPORTED)
        if self._runs(session_id) and not (by_force and session_id in self.clinging):
            kept = [
                other
                for other in self.mounted(session_id)
                if other.source != mount.source or not (everywhere or other.target == mount.target)
            ]
            session = self.machine.sessions[session_id]
            session.spec = replace(session.spec, mounts=tuple(kept))
        return session_id in self.clinging

    def mounted(self, session_id: SessionId) -> tuple[BindMount, ...]:
        """What a session has mounted now."""
        return self.machine.sessions[session_id].spec.mounts

    async def log(self, session_id: SessionId, tail_bytes: int) -> bytes:
        session = self.machine.sessions.get(session_id)
        return session.log[len(session.log) - min(tail_bytes, len(session.log)) :] if session else b""

    def _runs(self, session_id: SessionId) -> bool:
        session = self.machine.sessions.get(session_id)
        return session is not None and not session.ended.is_set()
