"""What keeps a session alive, and when it stops: bytes moved and CPU used count, open sockets do not.

A session is active when, within a minute, its streams moved `QUIET_BYTES` or its processes used `QUIET_CPU_S`.
The keep-alives of an `ssh` left open (ServerAliveInterval of 15 s: half a KiB a minute) stay below that; a few
keystrokes with their echo do not.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from sshore.core.errors import InvalidInput
from sshore.core.ids import SessionId
from sshore.core.names import MAX_DURATION_S, format_duration
from sshore.core.sessions import Session

QUIET_BYTES = 1024
QUIET_CPU_S = 0.6
WINDOW = timedelta(seconds=60)
_LONGEST_WARNING_S = 300.0
_WARNING_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What a session did from the last sample until `at`."""

    at: datetime
    moved_bytes: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a session stops, unless something happens, and the reason that it will have then."""

    at: datetime
    reason: str
    warn_at: datetime
    is_idleness: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a session's owner is told: the last bytes that counted and their time, the CPU seconds of the last
    minute, since when it is idle, and when and why it will stop."""

    moved_bytes: int
    moved_at: datetime | None
    cpu_s: float
    active_at: datetime
    deadline: Deadline | None


@dataclass(frozen=True, slots=True)
class LastActivity:
    """What is kept of one run of a session, so that idle time outlives the server; `seen_at`: when it was written."""

    session_id: SessionId
    started_at: datetime
    seen_at: datetime
    active_at: datetime
    moved_bytes: int
    moved_at: datetime | None
    cpu_total_s: float | None


class Activity:
    """One session's activity, from `began` on."""

    def __init__(self, began: datetime) -> None:
        self.active_at = began
        self.moved_bytes = 0
        self.moved_at: datetime | None = None
        self._samples: deque[Sample] = deque()

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the last minute."""
        return sum(sample.cpu_s for sample in self._samples)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)
        while self._samples[0].at <= sample.at - WINDOW:
            self._samples.popleft()
        moved = sum(each.moved_bytes for each in self._samples)
        if sample.moved_bytes and moved >= QUIET_BYTES:
            self.moved_bytes, self.moved_at, self.active_at = moved, sample.at, sample.at
        if sample.cpu_s and self.cpu_s >= QUIET_CPU_S:
            self.active_at = sample.at

    def skip(self, gap: timedelta) -> None:
        """Leave out a time in which nothing could happen, or nobody looked: the machine slept, the server was away."""
        self.active_at += gap


def deadline(session: Session, active_at: datetime) -> Deadline | None:
    """The sooner of a session's two ends; None when it has neither."""
    ends = []
    if session.idle_timeout_s is not None:
        reason = f"idle for {format_duration(session.idle_timeout_s)}"
        ends.append(_deadline(active_at, session.idle_timeout_s, reason, is_idleness=True))
    if session.ttl_s is not None and session.started_at is not None:
        reason = f"its time to live of {format_duration(session.ttl_s)} is over"
        ends.append(_deadline(session.started_at, session.ttl_s, reason, is_idleness=False))
    return min(ends, key=lambda end: end.at, default=None)


def warning(session: Session, end: Deadline, now: datetime) -> str:
    """The line for the session's terminals."""
    left = format_duration(max((end.at - now).total_seconds(), 1))
    if end.is_idleness:
        return f"Session {session.name} is idle and stops in {left}: press a few keys to keep it."
    return f"Session {session.name} stops in {left}: {end.reason}. Save your work."


def check_span(seconds: float | None, name: str) -> float | None:
    """An idle time-out or a time to live: seconds, or None (or 0) for never.

    Raises:
        InvalidInput: it is shorter than a second or longer than ten years.
    """
    if not seconds:
        return None
    if not 1 <= seconds <= MAX_DURATION_S:
        raise InvalidInput(f"{seconds:g} s cannot be: give a duration from 1s to ten years, or none", field=name)
    return seconds


def _deadline(start: datetime, span_s: float, reason: str, *, is_idleness: bool) -> Deadline:
    at = start + timedelta(seconds=span_s)
    before_s = min(_LONGEST_WARNING_S, span_s * _WARNING_SHARE)
    return Deadline(at, reason, at - timedelta(seconds=before_s), is_idleness)
