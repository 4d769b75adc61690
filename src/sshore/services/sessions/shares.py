"""What a user's sessions may have: checked when one is made and when one starts; who waits for what of it.

The one place that compares sessions with their owners' allowances (`core.allowances`); streams and links are compared
by the gateway, which counts them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sshore.core.allowances import FIELDS, Allowance, Word
from sshore.core.errors import QuotaExceeded, SshoreError
from sshore.core.fair_shares import beyond, short_of_allowance, within
from sshore.core.ids import SessionId, UserId
from sshore.core.names import format_duration
from sshore.core.ports import Clock, OpenStreams, Store
from sshore.core.sessions import Resources, Session
from sshore.core.states import SessionState
from sshore.core.users import User
from sshore.services.folders.usage import FolderUsage
from sshore.services.images import ImageService
from sshore.services.people.allowances import Allowances
from sshore.services.sessions.homes import PATIENCE_S, Homes
from sshore.services.sessions.setup import NewSession
from sshore.wire.problems import Code

PATIENCE = timedelta(minutes=10)
"""Whoever has waited so long is next, however much the owner uses."""
_MORE = "an administrator can allow you more (sshore user allow)"
_TOGETHER = ("cpus", "memory_bytes", "gpus")
"""What all running sessions of a user share, in an allowance and in `Resources`."""
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Share:
    """One line of an allowance: how much of it is used (None: it holds for each session) and may be (None: without a
    limit), by which sessions or images, whether it is the user's own, and the name of the group whose it is; else it is
    the server's default."""

    word: Word
    used: float | None
    most: float | None
    by: tuple[str, ...]
    own: bool
    group: str


class FairShares:
    def __init__(
        self,
        store: Store,
        allowances: Allowances,
        streams: OpenStreams,
        clock: Clock,
        usage: FolderUsage,
        homes: Homes,
        images: ImageService,
    ) -> None:
        self._store = store
        self._allowances = allowances
        self._streams = streams
        self._clock = clock
        self._usage = usage
        self._homes = homes
        self._images = images
        self._since: dict[SessionId, datetime] = {}

    async def new(self, owner: User, wanted: NewSession) -> NewSession:
        """What a new session gets: what it does not say is filled in where the owner's allowance has a limit.

        Raises:
            QuotaExceeded: it wants what the allowance never gives (``allowance_exceeded``).
        """
        allowance = await self._allowances.of(owner)
        for field, asked in (("idle_timeout_s", wanted.idle_timeout_s), ("ttl_s", wanted.ttl_s)):
            _check_span(field, asked, allowance)
        return replace(
            wanted,
            resources=_checked(wanted.name, wanted.resources, allowance),
            idle_timeout_s=wanted.idle_timeout_s or allowance.idle_timeout_s,
            ttl_s=wanted.ttl_s or allowance.ttl_s,
        )

    async def again(self, session: Session) -> Mapping[str, object]:
        """What changes of a session that is started again: its owner's allowance may be another by now.

        Raises:
            QuotaExceeded: as for `new`; or its home holds more than it may. Unavailable: that takes too long to count.
        """
        await self._homes.check(session)
        allowance = await self._allowances.of_owner(session.owner_id)
        spans = {
            field: min(filter(None, (getattr(session, field), getattr(allowance, field))), default=None)
            for field in ("idle_timeout_s", "ttl_s")
        }
        return {"resources": _checked(session.name, session.resources, allowance), **spans}

    async def check_number(self, owner: User) -> None:
        """Let one more session be.

        Raises:
            QuotaExceeded: the owner has as many as may be; names them.
        """
        most = (await self._allowances.of(owner)).sessions
        names = [session.name for session in await self._store.sessions.list(owner.id)]
        if most is not None and len(names) >= most:
            have = f"you have {_listed(names)}: remove one (sshore rm NAME), or " if names else ""
            raise QuotaExceeded(
                f"your allowance of sessions is {most}; {have}{_MORE}",
                code=Code.ALLOWANCE_EXCEEDED,
                allowance="sessions",
                most=most,
                used=len(names),
            )

    async def check_spans(self, owner_id: UserId, spans: Mapping[str, float | None]) -> None:
        """Let a session's idle time-out and time to live be so long; None is for ever.

        Raises:
            QuotaExceeded: they are longer than its owner's allowance has it.
        """
        allowance = await self._allowances.of_owner(owner_id)
        for field, seconds in spans.items():
            _check_span(field, seconds or float("inf"), allowance)

    async def short(self, sessions: Collection[Session]) -> dict[SessionId, str]:
        """Which of the sessions that wait do so for their own owners' allowances, and for what of them. One such keeps
        nobody else waiting but its owner's younger ones. `sessions` are all, oldest first."""
        pending = [session for session in sessions if session.state is SessionState.PENDING]
        self._note(pending)
        held: defaultdict[UserId, list[Session]] = defaultdict(list)
        for session in sessions:
            if session.state.holds_resources:
                held[session.owner_id].append(session)
        short = {}
        for session in pending:
            allowance = await self._allowances.of_owner(session.owner_id)
            mine = held[session.owner_id]
            missing = short_of_allowance(session.resources, allowance, [other.resources for other in mine])
            if missing:
                short[session.id] = f"{missing} of its owner's allowance{_users(session.resources, mine)}"
            mine.append(session)
        return short

    def favoured(self) -> set[SessionId]:
        """The sessions that have waited too long."""
        now = self._clock.now()
        return {session_id for session_id, since in self._since.items() if now - since >= PATIENCE}

    async def of(self, user: User) -> list[Share]:
        """A user's allowance, line by line, and what uses it."""
        allowance, own, by_group = await self._allowances.look_up(user)
        sessions = await self._store.sessions.list(user.id)
        running = [session for session in sessions if session.state.holds_resources]
        used: dict[str, float | None] = {
            "sessions": len(sessions),
            "cpus": sum(session.resources.cpus or 0 for session in running),
            "memory_bytes": sum(session.resources.memory_bytes or 0 for session in running),
            "gpus": sum(session.resources.gpus for session in running),
            "streams": self._streams.open_by(user.id),
            "folder_bytes": await self._folder_bytes(user, allowance),
        }
        by_images = await self._by_images(user)
        used |= {field: amount for field, (amount, _) in by_images.items()}
        by = {"sessions": tuple(session.name for session in sessions)} | {
            field: tuple(session.name for session in running if getattr(session.resources, field))
            for field in _TOGETHER
        }
        by |= {field: names for field, (_, names) in by_images.items()}
        return [
            Share(
                word,
                used.get(field),
                getattr(allowance, field),
                by.get(field, ()),
                field in own,
                by_group.get(field, ""),
            )
            for field, word in FIELDS.items()
        ]

    async def _by_images(self, user: User) -> dict[str, tuple[float, tuple[str, ...]]]:
        """What of its images a user's allowance bounds, and which; without those that take long to list."""
        pulls = tuple(self._images.pulls_of(user))
        found: dict[str, tuple[float, tuple[str, ...]]] = {"pulls": (len(pulls), pulls)}
        try:
            async with asyncio.timeout(PATIENCE_S):
                kept = await self._images.committed(user)
        except (SshoreError, TimeoutError):
            return found
        names = tuple(image.title for image in kept)
        written = sum(image.written_bytes for image in kept)
        return found | {"images": (len(kept), names), "image_bytes": (written, names)}

    async def _folder_bytes(self, user: User, allowance: Allowance) -> int | None:
        """What a user's folders hold; None where nothing bounds it, or it takes long to count."""
        if allowance.folder_bytes is None:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._usage.used_bytes(user)
        except (SshoreError, TimeoutError):
            return None

    def _note(self, pending: Sequence[Session]) -> None:
        now = self._clock.now()
        self._since = {session.id: self._since.get(session.id, now) for session in pending}


def _checked(name: str, asked: Resources, allowance: Allowance) -> Resources:
    """The session's limits within its owner's allowance."""
    if phrase := beyond(asked, allowance):
        raise QuotaExceeded(f"session {name!r} wants {phrase}: ask for less, or {_MORE}", code=Code.ALLOWANCE_EXCEEDED)
    return within(asked, allowance)


def _check_span(field: str, seconds: float | None, allowance: Allowance) -> None:
    most: float | None = getattr(allowance, field)
    if most is not None and seconds is not None and seconds > most:
        name = FIELDS[field].name
        raise QuotaExceeded(
            f"your allowance of --{name} is {format_duration(most)}: ask for no more, or {_MORE}",
            code=Code.ALLOWANCE_EXCEEDED,
            allowance=name,
            most=most,
        )


def _users(wanted: Resources, held: Sequence[Session]) -> str:
    """Which sessions have what another one waits for."""
    fields = [field for field in _TOGETHER if getattr(wanted, field)]
    names = [other.name for other in held if any(getattr(other.resources, field) for field in fields)]
    return f", which {_listed(names)} {'uses' if len(names) == 1 else 'use'}" if names else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
