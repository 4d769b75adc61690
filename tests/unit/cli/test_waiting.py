"""What `sshore run` waits for, and how it ends."""

import pytest

from fakes.session_messages import session_message
from sshore.cli import waiting
from sshore.cli.waiting import wait_settled
from sshore.core.errors import EngineFailed, SshoreError, Unavailable
from sshore.core.states import SessionState
from sshore.schema.session_messages import SessionMessage

STARTING = session_message(SessionState.STARTING)


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
    assert wait(STARTING, session_message(SessionState.RUNNING)).state is SessionState.RUNNING


def test_the_reason_of_waiting_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    pending = session_message(SessionState.PENDING, "waits for 2 CPUs")
    wait(STARTING, pending, pending, session_message(SessionState.RUNNING))
    assert capsys.readouterr().err == "demo is pending: waits for 2 CPUs\n"


def test_what_it_waits_for_already_is_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    pending = session_message(SessionState.PENDING, "waits for 2 CPUs")
    wait(pending, pending, session_message(SessionState.RUNNING))
    assert capsys.readouterr().err == "demo is pending: waits for 2 CPUs\n"


def test_a_failed_session_says_why_and_where_to_look() -> None:
    with pytest.raises(EngineFailed, match="no such image; see: sshore logs demo"):
        wait(STARTING, session_message(SessionState.FAILED, "no such image"))


def test_patience_may_end() -> None:
    with pytest.raises(Unavailable, match="it goes on waiting"):
        wait(session_message(SessionState.PENDING, "waits for 2 CPUs"), limit_s=0)


def test_a_session_stopped_meanwhile_is_no_success() -> None:
    with pytest.raises(SshoreError, match="was stopped meanwhile"):
        wait(STARTING, session_message(SessionState.STOPPED))
