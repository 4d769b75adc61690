"""Who connected to what; what keeps sessions alive."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActivityMessage:
    """What a running session has done: the last bytes that counted, CPU seconds of the last minute, the last sign
    of life; and when and why it will stop, if it will."""

    moved_bytes: int
    moved_at: str | None
    cpu_s: float
    active_at: str
    stops_at: str | None = None
    stop_reason: str = ""


@dataclass(frozen=True, slots=True)
class ChangeSession:
    """New limits in time; None leaves one as it is, 0 removes it."""

    idle_timeout_s: float | None = None
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A stream; `bytes_in` went into the session. `end` says how it ended, and is empty while it is open."""

    user: str
    session_id: str
    session: str
    app: str
    address: str
    client: str
    started_at: str
    ended_at: str | None
    bytes_in: int
    bytes_out: int
    end: str
