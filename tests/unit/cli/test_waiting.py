"""What `sshore run` waits for, and how it ends."""

import dataclasses

import pytest

from sshore.cli import waiting
from sshore.cli.waiting import wait_settled
from sshore.core.errors import EngineFailed, SshoreError, Unavailable
from sshore.core.sessions import KeyType, Network
from sshore.core.states import SessionState
from sshore.schema.messages import ResourcesMessage, SessionMessage

SESSION = SessionMessage(
    id="abc",
    name="demo",
    owner="ann",
    state=SessionState.STARTING,
    reason="",
    engine="sandbox",
    image="",
    network=Network.NAT,
    key_type=KeyType.ED25519,
    resources=ResourcesMessage(),
    mounts=[],
    launched=[],
    linked=False,
    host_key_fingerprint="",
    created_at="2026-01-01T00:00:00Z",
)


def session(state: SessionState, reason: str = "") -> SessionMessage:
    return dataclasses.replace(SESSION, state=state, reason=reason)


class Server:
    """Answers with one state after the other."""

    def __init__(self, *states: SessionMessage) -> None:
        self._states = iter(states)

    def session(self, ref: str, wait_s: float = 0, seen: str | None = None) -> SessionMessage:
        return next(self._states)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PENDING_STEP_S", 0)


def wait(first: SessionMessage, *later: SessionMessage, limit_s: float | None = None) -> SessionMessage:
    return wait_settled(Server(*later), first, limit_s)  # type: ignore[arg-type]


def test_a_session_that_runs_is_returned() -> None:
    assert wait(SESSION, session(SessionState.RUNNING)).state is SessionState.RUNNING


def test_the_reason_of_waiting_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pending = session(SessionState.PENDING, "waits for 2 CPUs")
    wait(SESSION, pending, pending, session(SessionState.RUNNING))
    assert capsys.readouterr().err == "demo is pending: waits for 2 CPUs\n"


def test_a_failed_session_says_why_and_where_to_look() -> None:
    with pytest.raises(EngineFailed, match="no such image; see: sshore logs demo"):
        wait(SESSION, session(SessionState.FAILED, "no such image"))


def test_patience_may_end() -> None:
    with pytest.raises(Unavailable, match="it goes on waiting"):
        wait(session(SessionState.PENDING, "waits for 2 CPUs"), limit_s=0)


def test_a_session_stopped_meanwhile_is_no_success() -> None:
    with pytest.raises(SshoreError, match="was stopped meanwhile"):
        wait(SESSION, session(SessionState.STOPPED))
