"""What is found out of one session when it is asked for: by its engine, and by its agent."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from sshore.core.errors import SshoreError
from sshore.core.ports import Links, Store
from sshore.core.sessions import NO_KILLS, MemoryKills, Session
from sshore.core.states import SessionState
from sshore.services.folders.folders import FolderService
from sshore.services.sessions.homes import Homes, HomeUse
from sshore.services.sessions.lifecycle import Lifecycle

log = logging.getLogger("sshore.sessions")

PATIENCE_S = 2.0
_LONGEST_PHRASE = 200
_LONGEST_NOTE, _MOST_NOTES = 300, 5


@dataclass(frozen=True, slots=True)
class SessionDetails:
    """`memory_kills`: programs that ended for want of memory. `entrypoint_state`: what has become of the image's
    entrypoint, as a phrase; empty where none was to run. `missing`: the mounts, by their targets, whose folders cannot
    be had, and why. `home`: what its home holds, where that is bounded. `notes`: what its owner should know, such as of
    keys in its home that let nobody in."""

    memory_kills: MemoryKills = NO_KILLS
    entrypoint_state: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    home: HomeUse | None = None


NO_DETAILS = SessionDetails()


class SessionDetailsService:
    """Asks engine and agent. What they do not tell in time is left out: `show` waits for nobody."""

    def __init__(self, lifecycle: Lifecycle, links: Links, store: Store, folders: FolderService, homes: Homes) -> None:
        self._lifecycle = lifecycle
        self._links = links
        self._store = store
        self._folders = folders
        self._homes = homes

    async def of(self, session: Session) -> SessionDetails:
        """The details of a session; of one that does not run, its mounts and its home alone."""
        missing, home = await self.missing(session), await self._homes.use(session)
        if session.state is not SessionState.RUNNING:
            return SessionDetails(missing=missing, home=home)
        return SessionDetails(
            await self._memory_kills(session),
            await self._entrypoint_state(session),
            missing,
            await self.notes(session),
            home,
        )

    async def missing(self, session: Session) -> Mapping[str, str]:
        owner = await self._store.users.get(session.owner_id)
        return await self._folders.missing(owner, session.mounts) if owner else {}

    async def _memory_kills(self, session: Session) -> MemoryKills:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._lifecycle.engine(session.engine).memory_kills(session.id)
        except (SshoreError, TimeoutError) as error:
            log.warning("an engine does not tell memory kills", extra={"session": session.id, "reason": str(error)})
            return NO_KILLS

    async def _entrypoint_state(self, session: Session) -> str:
        if not session.entrypoint or not self._links.is_linked(session.id):
            return ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await self._links.call(session.id, "entrypoint")
        except (SshoreError, TimeoutError):
            return ""
        # An agent is the session's, and may say what it likes.
        return str(reply.get("state", ""))[:_LONGEST_PHRASE]

    async def notes(self, session: Session) -> tuple[str, ...]:
        """What its owner should know of a session; nothing of one that does not run."""
        if session.state is not SessionState.RUNNING or not self._links.is_linked(session.id):
            return ()
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await self._links.call(session.id, "ssh.notes")
        except (SshoreError, TimeoutError):  # an agent of an older version knows no such call
            return ()
        notes = reply.get("notes")
        found = [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else []
        return tuple("".join(filter(str.isprintable, note))[:_LONGEST_NOTE] for note in found[:_MOST_NOTES])
