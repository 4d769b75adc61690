"""Sessions as stored: changed one at a time, watched by whoever waits for a change."""

import asyncio
import dataclasses
from collections import defaultdict
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from sshore.core.errors import NotFound
from sshore.core.ids import SessionId
from sshore.core.images import PullProgress
from sshore.core.ports import Store
from sshore.core.sessions import Session
from sshore.core.states import SessionState, check_transition


class SessionRecords:
    """The one way to change a stored session, so that no change is lost to another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._changed: defaultdict[SessionId, asyncio.Event] = defaultdict(asyncio.Event)
        self._any_changed = asyncio.Event()
        self._progress: dict[SessionId, PullProgress] = {}

    async def get(self, session_id: SessionId) -> Session:
        """Raises NotFound when it is no more."""
        session = await self._store.sessions.get(session_id)
        if session is None:
            raise NotFound("the session is no more")
        return session

    async def change(self, session_id: SessionId, **values: Any) -> Session:
        """Change fields of a session; a new `state` must be a legal transition.

        Raises:
            NotFound: it is no more. Conflict: its state does not allow this.
        """
        async with self._lock(session_id):
            session = await self.get(session_id)
            new_state = values.get("state", session.state)
            if new_state != session.state:
                check_transition(session.state, new_state)
            changed = dataclasses.replace(session, **values)
            if changed != session:
                await self._store.sessions.update(changed)
                self._announce(session_id)
            return changed

    async def set_launched(self, session_id: SessionId, app: str, *, launched: bool) -> None:
        """Remember that an app is launched, or no longer is."""
        async with self._lock(session_id):
            session = await self.get(session_id)
            if launched == (app in session.launched):  # nor is a full disk to keep anybody out
                return
            apps = tuple(name for name in session.launched if name != app) + ((app,) if launched else ())
            await self._store.sessions.update(dataclasses.replace(session, launched=apps))
            self._announce(session_id)

    def set_progress(self, session_id: SessionId, progress: PullProgress | None) -> None:
        """How far the pull of its image is; in memory only: it is said too often to be written down."""
        if progress is not None:
            self._progress[session_id] = progress
            self._announce(session_id)
        elif self._progress.pop(session_id, None):
            self._announce(session_id)

    def progress(self, session_id: SessionId) -> PullProgress | None:
        """How far the pull of a session's image is, while there is one."""
        return self._progress.get(session_id)

    def reason(self, session: Session) -> str:
        """What a session waits for, or why it has failed, as a phrase."""
        progress = self._progress.get(session.id)
        return progress.phrase if progress else session.reason

    async def remove(self, session_id: SessionId) -> None:
        async with self._lock(session_id):
            await self._store.sessions.remove(session_id)
            self._announce(session_id)

    async def wait_settled(self, session_id: SessionId, wait_s: float, seen: str | None = None) -> Session:
        """The session as soon as it runs, has ended, or waits for something that it can name; or after `wait_s`.

        `seen`: also as soon as its reason is another than this.
        """
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    changed = self._changed[session_id]
                    session = await self.get(session_id)
                    if session.state.settled or (session.state is SessionState.PENDING and session.reason):
                        return session
                    if seen is not None and self.reason(session) != seen:
                        return session
                    await changed.wait()
        except TimeoutError:
            return await self.get(session_id)

    async def wait_any_change(self, wait_s: float) -> None:
        """Return when any session has changed since this was called last, or after `wait_s`. For one waiter."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._any_changed.wait()
        self._any_changed.clear()

    def _lock(self, session_id: SessionId) -> asyncio.Lock:
        return self._locks.setdefault(session_id, asyncio.Lock())

    def _announce(self, session_id: SessionId) -> None:
        self._any_changed.set()
        self._changed.pop(session_id, asyncio.Event()).set()
