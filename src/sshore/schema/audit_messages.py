"""Who connected to what."""

from dataclasses import dataclass


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
