"""Waits until a session is settled, and shows what it waits for."""

import time

from sshore.cli.pull_view import pull_view
from sshore.core.errors import EngineFailed, SshoreError, Unavailable
from sshore.core.states import SessionState
from sshore.schema.session_messages import SessionMessage
from sshore.sdk.client import Client
from sshore.wire.problems import Code

STEP_S = 10.0
_PENDING_STEP_S = 1.0


def wait_settled(client: Client, session: SessionMessage, limit_s: float | None = None) -> SessionMessage:
    """Return the session as soon as it runs.

    Raises:
        EngineFailed: it has failed; says why.
        Unavailable: it still waits after `limit_s`; says for what.
    """
    deadline = None if limit_s is None else time.monotonic() + limit_s
    if not _settled(session):
        with pull_view(describe(session), is_news=bool(session.reason)) as show:
            while not _settled(session):
                show(describe(session), session.pull)
                _check_deadline(session, deadline)
                session = _next(client, session)
    return _checked(session)


def describe(session: SessionMessage) -> str:
    """What a session does or waits for, as a phrase."""
    reason = f": {session.reason}" if session.reason else ""
    return f"{session.name} is {session.state}{reason}"


def _settled(session: SessionMessage) -> bool:
    return session.state.settled


def _next(client: Client, session: SessionMessage) -> SessionMessage:
    if session.state is SessionState.PENDING and session.reason:  # the server answers at once
        time.sleep(_PENDING_STEP_S)
    return client.session(session.id, wait_s=STEP_S, seen=session.reason)


def _check_deadline(session: SessionMessage, deadline: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise Unavailable(f"{describe(session)}; it goes on waiting: sshore show {session.name}")


def _checked(session: SessionMessage) -> SessionMessage:
    if session.state is SessionState.FAILED:
        raise EngineFailed(f"{describe(session)}; see: sshore logs {session.name}")
    if session.state is SessionState.STOPPED:
        raise SshoreError(f"{session.name} was stopped meanwhile", code=Code.WRONG_STATE)
    return session
