"""Worlds that the contract suite runs in: a machine of its own with an engine on it.

SandboxWorld   the sandbox engine, as root (sessions get uids of their own) or as an ordinary user
FakeWorld      the fake
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import psutil
from stand_in_kit import Inside, make_kit

from fakes.engine import FakeEngine, FakeMachine
from sshore.core.allowed import Allowed
from sshore.core.choices import Network
from sshore.core.ids import SessionId, new_id
from sshore.core.ports import Engine
from sshore.core.sessions import BindMount, Resources, SessionSpec
from sshore.engines.sandbox import SandboxEngine
from sshore.engines.sandbox.options import SandboxOptions
from sshore.engines.sandbox.records import Record, Records

OWNER_UID = 70201
OTHER_OWNER_UID = 70202
ORDINARY_USER_UID = 70203

T = TypeVar("T")
E_co = TypeVar("E_co", covariant=True)

Behaviour = Callable[["World"], Awaitable[None]]

UNFILTERED = SandboxOptions(Allowed.ALL, filtered=False)


class World(Protocol):
    """What the contract suite needs beside an engine."""

    def engine(self) -> Engine:
        """A new engine on this world's machine, as a restarted server makes one."""

    def spec(self, **fields: object) -> SessionSpec:
        """A session to start."""

    def failing_spec(self) -> SessionSpec:
        """A session whose start fails."""

    def kill_agent(self, session_id: SessionId) -> None:
        """End a session's agent behind the engine's back."""

    def work(self, spec: SessionSpec) -> None:
        """Use a tenth of a second of CPU time or more in a running session, by processes that end."""

    def identity(self, session_id: SessionId) -> object:
        """What tells one run of a session from another."""

    def leftovers(self, session_id: SessionId) -> list[str]:
        """What is there of a session's processes and the like."""

    def folder(self, name: str) -> Path:
        """A directory of the host, of the sessions' owner, that holds one file `of-<name>`."""

    def listing(self, spec: SessionSpec, directory: str) -> list[str]:
        """What lies in a directory of a running session."""


class FakeWorld:
    def __init__(self) -> None:
        self._machine = FakeMachine()
        self._engines: list[FakeEngine] = []
        self._failures: dict[SessionId, str] = {}

    def engine(self) -> Engine:
        engine = FakeEngine(self._machine)
        engine.failures = self._failures
        self._engines.append(engine)
        return engine

    def spec(self, **fields: object) -> SessionSpec:
        nowhere = Path("/nonexistent")
        spec = SessionSpec(SessionId(new_id()), "demo", nowhere, nowhere, nowhere, nowhere, network=Network.NONE)
        return replace(spec, **fields)

    def failing_spec(self) -> SessionSpec:
        spec = self.spec()
        self._failures[spec.id] = "it was told to fail"
        return spec

    def kill_agent(self, session_id: SessionId) -> None:
        self._engines[0].end(session_id)

    def work(self, spec: SessionSpec) -> None:
        self._machine.sessions[spec.id].cpu_s += 0.5

    def identity(self, session_id: SessionId) -> object:
        return id(self._machine.sessions[session_id])

    def leftovers(self, session_id: SessionId) -> list[str]:
        return [str(session_id)] if session_id in self._machine.sessions else []

    def folder(self, name: str) -> Path:
        return Path("/nonexistent", name)

    def listing(self, spec: SessionSpec, directory: str) -> list[str]:
        mounts = self._machine.sessions[spec.id].spec.mounts
        return [f"of-{mount.source.name}" for mount in mounts if mount.target == directory]


class SandboxWorld:
    """A state directory with a stand-in kit; `owner_uid` is None where the engine runs as an ordinary user."""

    def __init__(self, state: Path, owner_uid: int | None) -> None:
        self.state = state
        self.owner_uid = owner_uid
        self.kit = make_kit(state / "kit")
        self.link = _made(state / "link", 0o755)
        _made(state / "sessions", 0o711)
        self.options = SandboxOptions(Allowed.ALL)
        self._engines: list[SandboxEngine] = []

    @property
    def records(self) -> Records:
        return Records(self.state / "sandbox" / "records")

    def engine(self) -> SandboxEngine:
        engine = SandboxEngine(self.state, options=self.options)
        self._engines.append(engine)
        return engine

    async def close_engines(self) -> None:
        for engine in self._engines:
            await engine.aclose()
        self._engines.clear()

    def spec(
        self,
        *,
        name: str = "demo",
        uid: int | None = None,
        network: Network = Network.NONE,
        resources: Resources | None = None,
        mounts: tuple[BindMount, ...] = (),
    ) -> SessionSpec:
        session_id = SessionId(new_id())
        uid = uid if uid is not None else self.owner_uid
        directory = _made(self.state / "sessions" / session_id, 0o711)
        home, run = _made(directory / "home", 0o700, uid), _made(directory / "run", 0o700, uid)
        _made(run / "link", 0o700, uid)
        (run / "agent.json").write_text(f"secret of {session_id}")
        (run / "agent.json").chmod(0o600)
        if uid is not None:
            os.chown(run / "agent.json", uid, uid)
        Inside.prepare(home, uid)
        return SessionSpec(
            session_id,
            name,
            home,
            run,
            self.link,
            self.kit,
            host_uid=uid,
            resources=resources or Resources(),
            network=network,
            mounts=mounts,
        )

    def failing_spec(self) -> SessionSpec:
        return self.spec(mounts=(BindMount(self.state / "nothing-here", "/home/work/data"),))

    def inside(self, spec: SessionSpec) -> Inside:
        return Inside(spec.home)

    def record(self, session_id: SessionId) -> Record:
        record = self.records.read(session_id)
        assert record is not None
        return record

    def agent_pid(self, session_id: SessionId) -> int:
        agent = self.record(session_id).agent
        assert agent is not None
        return agent.pid

    def kill_agent(self, session_id: SessionId) -> None:
        os.kill(self.agent_pid(session_id), signal.SIGKILL)

    def work(self, spec: SessionSpec) -> None:
        # As long as it takes beside other tests; utime is the 14th field (proc_pid_stat(5)), in hundredths.
        enough = "set -- $(cat /proc/$$/stat); [ ${14} -ge 15 ]"
        self.inside(spec).output(
            f"timeout 30 sh -c 'until {enough}; do i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; done'"
        )

    def identity(self, session_id: SessionId) -> object:
        return self.record(session_id).agent

    def leftovers(self, session_id: SessionId) -> list[str]:
        # os.walk passes over groups that go meanwhile: those of other tests' containers.
        groups = (top for top, _, _ in os.walk("/sys/fs/cgroup") if top.endswith(f"/sshore/{session_id}"))
        records = (self.state / "sandbox" / "records").glob(f"{session_id}*")
        return [*groups, *map(str, records), *(str(process) for process in processes_of(session_id))]

    def folder(self, name: str, uid: int | None = None) -> Path:
        folders, uid = self.state / "folders", uid or self.owner_uid
        if not folders.exists():
            _made(folders, 0o711)
        folder = _made(folders / name, 0o700, uid)
        (folder / f"of-{name}").write_text(name)
        if uid is not None:
            os.chown(folder / f"of-{name}", uid, uid)
        return folder

    def listing(self, spec: SessionSpec, directory: str) -> list[str]:
        return self.inside(spec).run(f"ls -A {directory} 2>/dev/null")[1].split()


@contextmanager
def sandbox_world(owner_uid: int | None) -> Iterator[SandboxWorld]:
    """A world that leaves no process, group or directory behind. Not below pytest's tmp_path, which is closed to
    the owners' uids."""
    state = Path(tempfile.mkdtemp(prefix="sshore-sandbox-"))
    state.chmod(0o711)
    world = SandboxWorld(state, owner_uid)
    try:
        yield world
    finally:
        asyncio.run(_remove_all(world))
        shutil.rmtree(state)


async def _remove_all(world: SandboxWorld) -> None:
    engine = world.engine()
    for session_id in await engine.list():
        await engine.remove(session_id)
    await world.close_engines()


class HasEngines(Protocol[E_co]):
    """A world, by what its engines are."""

    def engine(self) -> E_co: ...

    async def close_engines(self) -> None: ...


def with_engine(world: HasEngines[E_co], steps: Callable[[E_co], Awaitable[T]]) -> T:
    """What some steps with an engine return; the engine is closed again."""

    async def run() -> T:
        try:
            async with asyncio.timeout(60):
                return await steps(world.engine())
        finally:
            await world.close_engines()

    return asyncio.run(run())


def start(world: HasEngines[Engine], *specs: SessionSpec) -> None:
    """Start sessions, as the server does."""

    async def steps(engine: Engine) -> None:
        for spec in specs:
            await engine.check(spec)
            await engine.start(spec)

    with_engine(world, steps)


def processes_of(session_id: SessionId) -> list[psutil.Process]:
    """bwrap, and all processes of a session, which have its id in their environment or arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            words = [*process.cmdline(), process.environ().get("SSHORE_SESSION_ID", "")]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if alive and session_id in words:
            found.append(process)
    return found


def eventually(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until something comes true."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def _made(directory: Path, mode: int, uid: int | None = None) -> Path:
    directory.mkdir()
    directory.chmod(mode)
    if uid is not None:
        os.chown(directory, uid, uid)
    return directory
