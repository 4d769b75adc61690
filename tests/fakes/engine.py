"""An engine in memory that keeps `core.ports.Engine`'s promises: it passes the engines' contract suite."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sshore.core.errors import EngineFailed, InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import Capacity, EngineState, RunState, SessionSpec
from sshore.wire.problems import Code

_CAPACITY = Capacity(cpus=4.0, memory_bytes=8 << 30, gpus=0)


@dataclass
class FakeSession:
    """A session's "processes": they run until `ended` is set."""

    spec: SessionSpec
    reason: str = ""
    log: bytes = b"agent started\n"
    cpu_s: float = 0.0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class FakeMachine:
    """What outlives the server: hand it to a new `FakeEngine` to play a restart."""

    sessions: dict[SessionId, FakeSession] = field(default_factory=dict)


class FakeEngine:
    """`failures` are sessions whose start fails, with the reason; `unsupported_limits` are fields of `Resources`."""

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
        self.image_environment: dict[str, str] = {}
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

    async def fetch_image(self, spec: SessionSpec, progress: Callable[[str], Awaitable[None]]) -> dict[str, str]:
        return dict(self.image_environment)

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

    async def capacity(self) -> Capacity:
        return self._capacity

    async def cpu_times_s(self) -> dict[SessionId, float]:
        return {id_: session.cpu_s for id_, session in self.machine.sessions.items() if not session.ended.is_set()}

    async def log(self, session_id: SessionId, tail_bytes: int) -> bytes:
        session = self.machine.sessions.get(session_id)
        return session.log[len(session.log) - min(tail_bytes, len(session.log)) :] if session else b""

    def _runs(self, session_id: SessionId) -> bool:
        session = self.machine.sessions.get(session_id)
        return session is not None and not session.ended.is_set()
