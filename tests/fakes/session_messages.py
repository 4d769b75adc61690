"""A session as the server tells of it."""

import dataclasses
from typing import Any

from sshore.core.choices import KeyType, Network
from sshore.core.states import SessionState
from sshore.schema.session_messages import ResourcesMessage, SessionMessage

_RUNNING = SessionMessage(
    id="abc",
    name="demo",
    owner="ann",
    state=SessionState.RUNNING,
    reason="",
    engine="sandbox",
    image="",
    network=Network.NAT,
    key_type=KeyType.ED25519,
    resources=ResourcesMessage(),
    mounts=[],
    launched=["ssh"],
    linked=True,
    host_key_fingerprint="",
    created_at="2026-01-01T00:00:00Z",
)


def session_message(state: SessionState = SessionState.RUNNING, reason: str = "", **change: Any) -> SessionMessage:
    """One that runs, with SSH launched, but for what is said otherwise."""
    return dataclasses.replace(_RUNNING, state=state, reason=reason, **change)
