"""What is remembered of each stream: who connected to what, from where, how long, how many bytes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sshore.core.ids import SessionId, StreamId, UserId

CLIENT_LENGTH = 200


class StreamEnd(StrEnum):
    """How a stream ended."""

    CLOSED = "closed"
    """In order, by one of its ends."""
    BROKEN = "broken"
    """A connection was lost."""
    REVOKED = "revoked"
    """Its token was revoked, or its user disabled."""
    SERVER_STOPPED = "server stopped"
    SERVER_ENDED = "server ended"
    """The server was killed; found at its next start, which is the end's time, and without the bytes."""


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One stream. It outlives its user and session, whose names at that time it keeps.

    `address` is the gateway's peer; `client` is what the client called itself (its User-Agent). `bytes_in`
    went into the session, `bytes_out` came from it. `ended_at` and `end` are None while the stream is open.
    """

    id: StreamId
    user_id: UserId
    user: str
    session_id: SessionId
    session: str
    app: str
    address: str
    client: str
    started_at: datetime
    ended_at: datetime | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    end: StreamEnd | None = None


@dataclass(frozen=True, slots=True)
class StreamFilter:
    """Which streams: all conditions that are given hold. `session` is a name or an id."""

    user_id: UserId | None = None
    user: str = ""
    session: str = ""
    since: datetime | None = None


def printable(text: str) -> str:
    """What a client said of itself, safe on a terminal and of bounded length."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:CLIENT_LENGTH])
