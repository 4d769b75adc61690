"""The states of a session and the one table of legal transitions.

PENDING ──▶ STARTING ──▶ RUNNING ──▶ STOPPING ──▶ STOPPED
   ▲            │           │                        │
   │            └──▶ FAILED ◀┘                       │
   └───────────────────┴─────────────────────────────┘   (start)
"""

from enum import StrEnum

from sshore.core.errors import Conflict
from sshore.wire.problems import Code


class SessionState(StrEnum):
    PENDING = "pending"
    """Waits for room on the engine; the session's reason says for what."""
    STARTING = "starting"
    """The engine has been told; the agent has not yet parked a link."""
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    """It ended by itself or could not start; the session's reason says why."""

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in (SessionState.RUNNING, SessionState.STOPPED, SessionState.FAILED)

    @property
    def holds_resources(self) -> bool:
        return self in (SessionState.STARTING, SessionState.RUNNING, SessionState.STOPPING)


_LEGAL: dict[SessionState, frozenset[SessionState]] = {
    SessionState.PENDING: frozenset({SessionState.STARTING, SessionState.STOPPED, SessionState.FAILED}),
    SessionState.STARTING: frozenset({SessionState.RUNNING, SessionState.STOPPING, SessionState.FAILED}),
    SessionState.RUNNING: frozenset({SessionState.STOPPING, SessionState.STOPPED, SessionState.FAILED}),
    SessionState.STOPPING: frozenset({SessionState.STOPPED, SessionState.FAILED}),
    SessionState.STOPPED: frozenset({SessionState.PENDING}),
    SessionState.FAILED: frozenset({SessionState.PENDING, SessionState.STOPPED}),
}


def check_transition(old: SessionState, new: SessionState) -> None:
    """Allow a transition that the table has.

    Raises:
        Conflict: it has not (code ``wrong_state``).
    """
    if new not in _LEGAL[old]:
        raise Conflict(f"a session that is {old} cannot become {new}", code=Code.WRONG_STATE, state=str(old))
