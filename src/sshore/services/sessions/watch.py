"""Watches what sessions do and use, warns those that are about to be stopped, and stops them."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self

from sshore.core.activity import Activity, Deadline, LastActivity, Report, Sample, deadline, warning
from sshore.core.errors import SshoreError
from sshore.core.ids import SessionId
from sshore.core.live_use import POINT_EVERY_S, Reading
from sshore.core.ports import Clock, Links, Store, Traffic
from sshore.core.sessions import Session
from sshore.core.states import SessionState
from sshore.services.sessions.lifecycle import Lifecycle
from sshore.services.sessions.live_use import LiveUse
from sshore.services.sessions.records import SessionRecords

log = logging.getLogger("sshore.activity")

LOOK_EVERY_S = POINT_EVERY_S
_LOOKS_BEFORE_AN_END = 10
_SHORTEST_PAUSE_S = 0.5
_KEEP_EVERY = timedelta(minutes=1)
"""How often is written down what a restart of the server must not forget."""
_ASLEEP_AFTER = timedelta(minutes=5)
"""A longer time between two looks means that the machine slept, or this program did."""
_WARNING_BYTES = 400
"""About what a warning costs on each terminal, on the wire; it is no activity."""
_MOST_TERMINALS = 1000
"""An agent is the session's, and may say what it likes."""


class _Watched:
    """One run of a session."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.started_at = session.started_at
        self.activity = Activity(now)
        self.cpu_total_s: float | None = None
        self.warned_of: Deadline | None = None
        self.owed_bytes = 0

    @classmethod
    def again(cls, session: Session, last: LastActivity, now: datetime) -> Self:
        """A run that a former server watched. The time in which nobody looked is left out of its idle time; CPU time
        that was used in it counts with the first look."""
        watched = cls(session, last.active_at)
        watched.activity.moved_bytes, watched.activity.moved_at = last.moved_bytes, last.moved_at
        watched.activity.skip(max(now - last.seen_at, timedelta(0)))
        watched.cpu_total_s = last.cpu_total_s
        return watched

    def last(self, session_id: SessionId, now: datetime) -> LastActivity | None:
        if self.started_at is None:
            return None
        did = self.activity
        return LastActivity(
            session_id, self.started_at, now, did.active_at, did.moved_bytes, did.moved_at, self.cpu_total_s
        )

    def add(self, now: datetime, moved_bytes: int, cpu_total_s: float | None) -> None:
        """Note what a look found; `cpu_total_s` grows within one run."""
        before = self.cpu_total_s
        used_s = max(cpu_total_s - before, 0) if cpu_total_s is not None and before is not None else 0.0
        self.cpu_total_s = cpu_total_s
        counted = max(moved_bytes - self.owed_bytes, 0)
        self.owed_bytes = max(self.owed_bytes - moved_bytes, 0)
        self.activity.add(Sample(now, counted, used_s))


class SessionWatch:
    """`run` looks every few seconds; `look` is one look."""

    def __init__(
        self,
        store: Store,
        records: SessionRecords,
        lifecycle: Lifecycle,
        traffic: Traffic,
        links: Links,
        clock: Clock,
        live_use: LiveUse,
    ) -> None:
        self._store = store
        self._records = records
        self._lifecycle = lifecycle
        self._traffic = traffic
        self._links = links
        self._clock = clock
        self._live_use = live_use
        self._watched: dict[SessionId, _Watched] = {}
        self._looked_at: datetime | None = None
        self._before: dict[SessionId, LastActivity] | None = None
        """What a former server knew; None until it is read."""
        self._kept_at: datetime | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            pause_s = LOOK_EVERY_S
            try:
                pause_s = await self.look()
            except SshoreError as error:
                log.error("sessions could not be watched", extra={"reason": error.problem.detail})
            except Exception:  # no fault in here is to end the server
                log.exception("sessions could not be watched")
            await asyncio.sleep(_SHORTEST_PAUSE_S)
            await self._records.wait_any_change(pause_s - _SHORTEST_PAUSE_S)  # such as a session that is new

    async def close(self) -> None:
        """Keep what is known for the next server."""
        await self._keep(self._clock.now())

    async def look(self) -> float:
        """Note what sessions have done, warn, and stop; seconds until the next look is due."""
        running = [session for session in await self._store.sessions.list() if session.state is SessionState.RUNNING]
        if self._before is None:
            self._before = {last.session_id: last for last in await self._store.activities.list()}
        readings = await self._measure(running)
        self._live_use.note(running, readings)
        moved = self._traffic.take_moved()
        now = self._clock.now()
        self._skip_sleep(now)
        self._watched = {session.id: self._of(session, now) for session in running}
        async with asyncio.TaskGroup() as tasks:
            for session in running:
                watched = self._watched[session.id]
                read = readings.get(session.id)
                watched.add(now, moved.get(session.id, 0), read.cpu_s if read else None)
                tasks.create_task(self._act(session, watched, now))
        if self._kept_at is None or now - self._kept_at >= _KEEP_EVERY:
            await self._keep(now)
        return min([_pause_s(running), *(self._due_s(session, now) for session in running)])

    def report(self, session: Session) -> Report | None:
        """What a session that runs has done, and when it will stop; None for any other."""
        if session.state is not SessionState.RUNNING or session.started_at is None:
            return None
        watched = self._watched.get(session.id)
        known = watched is not None and watched.started_at == session.started_at
        activity = watched.activity if watched and known else Activity(session.started_at)
        return Report(
            activity.moved_bytes,
            activity.moved_at,
            activity.cpu_s,
            activity.active_at,
            deadline(session, activity.active_at),
        )

    def _of(self, session: Session, now: datetime) -> _Watched:
        watched = self._watched.get(session.id)
        if watched and watched.started_at == session.started_at:
            return watched
        last = self._before.pop(session.id, None) if self._before else None
        if last and last.started_at == session.started_at:
            return _Watched.again(session, last, now)
        return _Watched(session, now)

    async def _keep(self, now: datetime) -> None:
        """Write down what is known; before the first look there is nothing, and what was kept stays."""
        if self._looked_at is None:
            return
        known = [watched.last(session_id, now) for session_id, watched in self._watched.items()]
        try:
            await self._store.activities.replace([last for last in known if last])
        except SshoreError as error:
            log.warning("what sessions did last is not kept", extra={"reason": error.problem.detail})
        else:
            self._kept_at = now

    def _skip_sleep(self, now: datetime) -> None:
        gap = now - self._looked_at if self._looked_at else timedelta(0)
        self._looked_at = now
        if gap > _ASLEEP_AFTER:
            for watched in self._watched.values():
                watched.activity.skip(gap)

    async def _measure(self, running: Sequence[Session]) -> dict[SessionId, Reading]:
        readings: dict[SessionId, Reading] = {}
        for name in {session.engine for session in running}:
            try:
                readings |= await self._lifecycle.engine(name).measure()
            except SshoreError as error:
                log.warning(
                    "an engine does not tell what sessions use", extra={"engine": name, "reason": error.problem.detail}
                )
        return readings

    async def _act(self, session: Session, watched: _Watched, now: datetime) -> None:
        end = deadline(session, watched.activity.active_at)
        if end is None:
            return
        try:
            if now >= end.at:
                await self._stop(session, end)
            elif now >= end.warn_at and watched.warned_of != end:
                watched.warned_of = end
                await self._warn(session, watched, warning(session, end, now))
        except SshoreError as error:
            log.warning("acting on a session failed", extra={"session": session.id, "reason": error.problem.detail})
        except Exception:  # such as an agent that answers nonsense: that is no other session's business
            log.exception("acting on a session failed", extra={"session": session.id})

    def _due_s(self, session: Session, now: datetime) -> float:
        """Until the session is to be warned or stopped: a short time-out's warning is not to fall between two looks."""
        end = deadline(session, self._watched[session.id].activity.active_at)
        left_s = [(at - now).total_seconds() for at in (end.warn_at, end.at)] if end else []
        return max(min((left for left in left_s if left > 0), default=LOOK_EVERY_S), _SHORTEST_PAUSE_S)

    async def _stop(self, session: Session, end: Deadline) -> None:
        log.info("stopping a session", extra={"session": session.id, "reason": end.reason})
        await self._lifecycle.stop(session, end.reason)

    async def _warn(self, session: Session, watched: _Watched, text: str) -> None:
        reply = await self._links.call(session.id, "warn", text=text)
        terminals = min(max(int(reply.get("terminals", 0)), 0), _MOST_TERMINALS)
        watched.owed_bytes += terminals * _WARNING_BYTES


def _pause_s(running: Sequence[Session]) -> float:
    spans = [span for session in running for span in (session.idle_timeout_s, session.ttl_s) if span]
    return max(min([LOOK_EVERY_S, *(span / _LOOKS_BEFORE_AN_END for span in spans)]), _SHORTEST_PAUSE_S)
