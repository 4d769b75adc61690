"""Starts, watches, stops and adopts sessions; the one place that changes a session's state.

Each session that holds resources has one task here, which brings it up (or adopts it) and then waits for
its end. Sessions outlive the server: leaving `run` ends the tasks, not the sessions.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

from sshore.core.errors import Conflict, EngineFailed, NotFound, SshoreError, Unavailable
from sshore.core.fair_shares import in_turn
from sshore.core.ids import SessionId
from sshore.core.images import PullProgress
from sshore.core.ports import Clock, Engine, Links, Store
from sshore.core.sessions import Capacity, ImageFacts, RunState, Session
from sshore.core.states import SessionState
from sshore.services.pulls import Pulls
from sshore.services.sessions.records import SessionRecords
from sshore.services.sessions.setup import SessionSetup
from sshore.services.sessions.shares import FairShares
from sshore.wire.problems import Code

log = logging.getLogger("sshore.lifecycle")

LINK_TIMEOUT_S = 30.0
SESSION_STOP_GRACE_S = 5.0
RETRY_S = 2.0
NO_CAPACITY = Capacity(None, None)


class Lifecycle:
    """Moves sessions through their states. `start`, `stop` and `remove` may be called while `run` runs."""

    def __init__(
        self,
        store: Store,
        records: SessionRecords,
        setup: SessionSetup,
        engines: Mapping[str, Engine],
        links: Links,
        clock: Clock,
        shares: FairShares,
        pulls: Pulls,
    ) -> None:
        self._store = store
        self._records = records
        self._setup = setup
        self._engines = engines
        self._links = links
        self._clock = clock
        self._shares = shares
        self._pulls = pulls
        self._tasks: dict[SessionId, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Adopt what runs, then place what waits, until cancelled."""
        async with asyncio.TaskGroup() as group:
            await self._reconcile(group)
            self._wake.set()
            while True:
                await self._wake.wait()
                self._wake.clear()
                try:
                    await self._place_pending(group)
                except SshoreError as error:  # the database's
                    log.error("sessions could not be placed", extra={"reason": error.problem.detail})
                    self._place_later()
                except Exception:
                    log.exception("sessions could not be placed")
                    self._place_later()

    def engine(self, name: str) -> Engine:
        """Raises NotFound when this server has no such engine."""
        if name not in self._engines:
            raise NotFound(f"this server has no engine {name!r}; it has: {', '.join(self._engines)}")
        return self._engines[name]

    def place(self) -> None:
        """Say that something waits for a place, or that one has become free."""
        self._wake.set()

    def _place_later(self) -> None:
        asyncio.get_running_loop().call_later(RETRY_S, self.place)

    async def start(self, session: Session) -> Session:
        """Start a session that has ended; one that runs or is about to is left alone."""
        if session.state is SessionState.STOPPING:
            raise Conflict(f"session {session.name!r} is stopping: try again when it has", code=Code.WRONG_STATE)
        if session.state in (SessionState.STOPPED, SessionState.FAILED):
            session = await self._records.change(session.id, state=SessionState.PENDING, reason="")
            self.place()
        return session

    async def stop(self, session: Session, reason: str = "") -> Session:
        """End a session's processes; its home, folders and keys stay. Idempotent. `reason`: why, for its owner."""
        if session.state in (SessionState.STOPPED, SessionState.FAILED):
            return session
        if session.state is SessionState.PENDING:
            return await self._records.change(session.id, state=SessionState.STOPPED, reason="")
        return await self._finish_stopping(
            await self._records.change(session.id, state=SessionState.STOPPING, reason=reason)
        )

    async def remove(self, session: Session) -> None:
        """Stop a session and forget it; its home goes, its folders stay."""
        try:
            await self.stop(session)
        except Unavailable as error:
            # A full disk takes no note of it, and removing sessions is what makes room there.
            if error.problem.code is not Code.STORAGE_FULL:
                raise
            await self._end_processes(session)
        await self.engine(session.engine).remove(session.id)

    async def _finish_stopping(self, session: Session) -> Session:
        await self._end_processes(session)
        stopped = await self._records.change(session.id, state=SessionState.STOPPED)
        self.place()
        return stopped

    async def _end_processes(self, session: Session) -> None:
        await self._end_task(session.id)
        await self.engine(session.engine).stop(session.id, SESSION_STOP_GRACE_S)
        self._links.drop(session.id)

    async def _end_task(self, session_id: SessionId) -> None:
        task = self._tasks.pop(session_id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _place_pending(self, group: asyncio.TaskGroup) -> None:
        """Start what fits, each in its turn; a session that must wait keeps its place before those behind it."""
        sessions = await self._store.sessions.list()
        short = await self._shares.short(sessions)
        for session_id, missing in short.items():
            await self._records.change(session_id, reason=f"waits for {missing}")
        sessions = [session for session in sessions if session.id not in short]
        for name, engine in self._engines.items():
            mine = [session for session in sessions if session.engine == name]
            try:
                await self._place_on(group, engine, mine)
            except SshoreError as error:
                # One engine that does not answer keeps nobody from the others.
                log.error("sessions could not be placed", extra={"engine": name, "reason": error.problem.detail})
                self._place_later()
            except Exception:
                log.exception("sessions could not be placed", extra={"engine": name})
                self._place_later()

    async def _place_on(self, group: asyncio.TaskGroup, engine: Engine, sessions: list[Session]) -> None:
        pending = [session for session in sessions if session.state is SessionState.PENDING]
        held = [session for session in sessions if session.state.holds_resources]
        capacity = await engine.capacity() if pending else NO_CAPACITY
        for session, missing in in_turn(pending, held, capacity, self._shares.favoured()):
            if missing:
                await self._records.change(session.id, reason=f"waits for {missing}")
            else:
                await self._records.change(session.id, state=SessionState.STARTING, reason="")
                self._spawn(group, session.id)

    async def _reconcile(self, group: asyncio.TaskGroup) -> None:
        """After a restart: adopt what still runs, finish what was half done, drop what nobody knows."""
        for session in await self._store.sessions.list():
            if session.state.holds_resources and session.state is not SessionState.STOPPING:
                self._spawn(group, session.id)
        for name, engine in self._engines.items():
            if not await self._tidied(name, engine):
                group.create_task(self._tidy_when_it_answers(name, engine))

    async def _tidy_when_it_answers(self, name: str, engine: Engine) -> None:
        while not await self._tidied(name, engine):  # noqa: ASYNC110 - nothing tells when it does
            await asyncio.sleep(RETRY_S)

    async def _tidied(self, name: str, engine: Engine) -> bool:
        """Whether an engine has finished what was half done, and dropped what is in no record; else try again."""
        try:
            there = await engine.list()
            known = await self._store.sessions.list()
            for session in known:
                if session.engine == name and session.state is SessionState.STOPPING:
                    await self._finish_stopping(session)
            for session_id in set(there) - {session.id for session in known}:
                log.warning("removing a session that is in no record", extra={"session": session_id})
                await engine.remove(session_id)
        except SshoreError as error:
            log.error("an engine does not answer", extra={"engine": name, "reason": error.problem.detail})
            return False
        except Exception:
            log.exception("an engine does not answer", extra={"engine": name})
            return False
        return True

    def _spawn(self, group: asyncio.TaskGroup, session_id: SessionId) -> None:
        self._tasks[session_id] = group.create_task(self._live(session_id), name=f"session {session_id}")

    async def _live(self, session_id: SessionId) -> None:
        """A session's task: from its start, or its adoption, to its end by itself."""
        session = None
        try:
            session = await self._records.get(session_id)
            engine = self.engine(session.engine)
            if session.state is SessionState.STARTING:
                await self._bring_up(session, engine)
            end = await engine.wait(session_id)
            await self._ended(session, end.reason or "it ended")
        except SshoreError as error:
            await self._ended(session, error.problem.detail)
        except Exception as error:
            log.exception("a session's task failed", extra={"session": session_id})
            await self._ended(session, f"the server failed: {error}")

    async def _bring_up(self, session: Session, engine: Engine) -> None:
        """Start a session, or wait for one that a former server had started; then it runs.

        Raises:
            EngineFailed: it ended first, or its agent did not report; nothing of it is left.
        """
        spec = None
        if (await engine.inspect(session.id)).run_state is not RunState.RUNNING:
            image = await self._fetch_image(session, engine)
            prepared = await self._setup.prepare(session, image)
            moved = bool(session.image_id) and session.image_id != image.id
            session = await self._records.change(
                session.id,
                agent_token_hash=prepared.agent_token_hash,
                image_id=image.id,
                image_digest=image.digest,
                previous_image_id=session.image_id if moved else "",
            )
            self._links.drop(session.id)  # what an earlier run may have left says nothing of this one
            spec = await self._setup.spec(session, image)
            await engine.start(spec)
        await self._until_linked(session, engine)
        # What was to come or to go with the next start has done so; but for folders that are missing. One that a
        # former server has started may have any of them.
        there = {mount.target for mount in spec.mounts} if spec else None
        recorded = (await self._records.get(session.id)).mounts
        mounts = tuple(replace(mount, live=there is None or mount.target in there) for mount in recorded if mount.kept)
        await self._records.change(
            session.id, state=SessionState.RUNNING, reason="", started_at=self._clock.now(), mounts=mounts
        )

    async def _fetch_image(self, session: Session, engine: Engine) -> ImageFacts:
        """The session's image, pulled where need be, in its owner's turn; its owner sees how far that is."""

        async def waits(reason: str) -> None:
            self._records.set_progress(session.id, PullProgress(session.image, waits_for=reason))

        async with AsyncExitStack() as pulling:
            has_turn = False

            async def tell(progress: PullProgress) -> None:
                nonlocal has_turn
                if not has_turn:  # the pull begins when this returns
                    await pulling.enter_async_context(self._pulls.turn(session.owner_id, session.image, waits))
                    has_turn = True
                self._records.set_progress(session.id, progress)

            try:
                return await engine.fetch_image(await self._setup.spec(session), tell)
            finally:
                self._records.set_progress(session.id, None)

    async def _until_linked(self, session: Session, engine: Engine) -> None:
        async with asyncio.TaskGroup() as race:
            linked = race.create_task(self._links.wait_linked(session.id))
            ended = race.create_task(engine.wait(session.id))
            done, _ = await asyncio.wait((linked, ended), timeout=LINK_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            linked.cancel()
            ended.cancel()
        if ended in done:
            raise EngineFailed(ended.result().reason or "it ended before its agent reported")
        if linked not in done:
            await engine.stop(session.id, 0)
            raise EngineFailed(f"its agent did not report within {LINK_TIMEOUT_S:g} s")

    async def _ended(self, session: Session | None, reason: str) -> None:
        """Record an end that nobody asked for."""
        if session is None:
            return
        self._links.drop(session.id)
        log.warning("a session ended by itself", extra={"session": session.id, "reason": reason})
        while not await self._recorded_end(session.id, reason):  # noqa: ASYNC110 - nothing tells when there is room
            await asyncio.sleep(RETRY_S)
        self._tasks.pop(session.id, None)
        self.place()

    async def _recorded_end(self, session_id: SessionId, reason: str) -> bool:
        """Whether there is nothing left to record; False where it is worth trying again."""
        try:
            await self._records.change(session_id, state=SessionState.FAILED, reason=reason)
        except SshoreError as error:
            log.error("its end could not be recorded", extra={"session": session_id, "reason": error.problem.detail})
            return not isinstance(error, Unavailable)
        except Exception:
            log.exception("its end could not be recorded", extra={"session": session_id})
        return True
