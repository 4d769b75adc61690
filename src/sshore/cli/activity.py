"""Idle time-outs and times to live as options, and what keeps a session alive in words."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from sshore.cli.output import age
from sshore.core.names import NEVER, format_bytes, format_duration, parse_duration_or_never
from sshore.schema.session_messages import ActivityMessage, SessionMessage

F = TypeVar("F", bound=Callable[..., Any])


def limits_in_time(command: F) -> F:
    """Options ``--idle-timeout`` and ``--ttl``, as seconds: None where they are not given, 0 for never."""
    idle = click.option(
        "--idle-timeout", "idle_timeout_s", callback=_seconds, metavar="DURATION",
        help="Stop it when it was idle for so long (90s, 30m, 8h, 2d, or never).",
    )  # fmt: skip
    ttl = click.option(
        "--ttl", "ttl_s", callback=_seconds, metavar="DURATION", help="Stop it so long after its start, idle or not."
    )
    return idle(ttl(command))


def activity_pairs(session: SessionMessage) -> list[tuple[str, str]]:
    """Lines of ``sshore show``."""
    pairs = [
        ("idle time-out", _span(session.idle_timeout_s)),
        ("time to live", _span(session.ttl_s)),
    ]
    if session.activity is not None:
        pairs += [("activity", _activity(session.activity)), ("stops", _end(session.activity))]
    return pairs


def _seconds(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    return None if value is None else parse_duration_or_never(value)


def _span(seconds: float | None) -> str:
    return NEVER if seconds is None else format_duration(seconds)


def _activity(activity: ActivityMessage) -> str:
    moved = f"{format_bytes(activity.moved_bytes)} moved {age(activity.moved_at)} ago" if activity.moved_at else ""
    cpu = f"CPU {activity.cpu_s:.2g} s in the last minute"
    return "; ".join(part for part in (moved, cpu, f"last active {age(activity.active_at)} ago") if part)


def _end(activity: ActivityMessage) -> str:
    if activity.stops_at is None:
        return NEVER
    left = datetime.fromisoformat(activity.stops_at) - datetime.now(UTC)
    return f"in {format_duration(max(left.total_seconds(), 0))}, {activity.stop_reason}"
