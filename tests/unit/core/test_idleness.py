"""What counts as activity, and when a session stops for the lack of it."""

from datetime import UTC, datetime, timedelta

import pytest

from sshore.core.activity import Activity, Sample, check_span, deadline, warning
from sshore.core.errors import InvalidInput
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import Session
from sshore.core.states import SessionState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def session(idle_timeout_s: float | None = None, ttl_s: float | None = None) -> Session:
    return Session(
        SessionId("s"),
        UserId("u"),
        "demo",
        SessionState.RUNNING,
        NOON,
        "sandbox",
        started_at=NOON,
        idle_timeout_s=idle_timeout_s,
        ttl_s=ttl_s,
    )


def active_for(moved_bytes: int, cpu_s: float, every_s: int = 15, minutes: int = 30) -> timedelta:
    """How long a session that does the same all the time is found active."""
    activity = Activity(NOON)
    for number in range(1, minutes * 60 // every_s + 1):
        activity.add(Sample(after(seconds=number * every_s), moved_bytes, cpu_s))
    return activity.active_at - NOON


@pytest.mark.parametrize(
    ("moved_bytes", "cpu_s", "is_active"),
    [
        (0, 0, False),
        (120, 0, False),  # ServerAliveInterval=15: a question and an answer
        (400, 0, True),  # a line typed each quarter of a minute
        (1 << 20, 0, True),
        (0, 0.05, False),  # daemons that look around
        (0, 0.2, True),
        (0, 15.0, True),
    ],
)
def test_work_and_transfers_keep_a_session_alive_and_keep_alives_do_not(
    moved_bytes: int, cpu_s: float, is_active: bool
) -> None:
    assert active_for(moved_bytes, cpu_s) == timedelta(minutes=30 if is_active else 0)


def test_silence_counts_from_the_last_activity_however_large_it_was() -> None:
    activity = Activity(NOON)
    activity.add(Sample(after(minutes=5), 3 << 20, 30.0))
    for minute in range(6, 20):
        activity.add(Sample(after(minutes=minute), 120, 0.01))
    assert activity.active_at == after(minutes=5)
    assert (activity.moved_bytes, activity.moved_at) == (3 << 20, after(minutes=5))
    assert activity.cpu_s == pytest.approx(0.01)


def test_the_sooner_of_the_two_ends_counts() -> None:
    assert deadline(session(), NOON) is None
    both = session(idle_timeout_s=1800, ttl_s=7200)
    first = deadline(both, after(minutes=10))
    assert first is not None and (first.at, first.reason) == (after(minutes=40), "idle for 30m")
    assert first.warn_at == after(minutes=37)
    second = deadline(both, after(minutes=110))
    assert second is not None and second.at == after(hours=2)
    assert second.reason == "its time to live of 2h is over" and second.warn_at == after(minutes=115)


def test_the_warning_says_how_to_keep_the_session_where_that_is_possible() -> None:
    idle = deadline(session(idle_timeout_s=1800), NOON)
    over = deadline(session(ttl_s=1800), NOON)
    assert idle is not None and over is not None
    assert warning(session(), idle, after(minutes=27)).endswith("stops in 3m: press a few keys to keep it.")
    assert "Save your work" in warning(session(), over, after(minutes=27))


def test_durations_that_cannot_be_are_refused() -> None:
    assert check_span(0, "ttl_s") is check_span(None, "ttl_s") is None
    for seconds in (-1, 0.5, 1e12, float("nan"), float("inf")):
        with pytest.raises(InvalidInput):
            check_span(seconds, "ttl_s")
