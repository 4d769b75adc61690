"""Who connected to what; what keeps sessions alive."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A stream that is open or was; `bytes_in` went into the session. `end` says how it ended; empty while it is open."""

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
