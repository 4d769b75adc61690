"""What sessions use, as a table."""

from collections.abc import Callable, Sequence

from sshore.cli.sparkline import sparkline
from sshore.core.names import format_bytes
from sshore.schema.live_use_messages import GpuUseMessage, LiveUseMessage, UsePointMessage

UNKNOWN = "-"
HISTORY_POINTS = 24
"""Two minutes."""
_NARROW, _NARROW_POINTS = 110, 8
"""Columns of a terminal below which the bars are fewer."""
_NARROWEST = 70
"""Below this there are none."""


def columns(sessions: Sequence[LiveUseMessage], *, everyone: bool, points: int) -> list[str]:
    owner = ["OWNER"] if everyone else []
    gpus = ["GPU", "GPU MEMORY"] if _have_gpus(sessions) else []
    cpu_history, memory_history = (["CPU HISTORY"], ["MEM HISTORY"]) if points else ([], [])
    return ["NAME", *owner, "CPU", *cpu_history, "MEMORY", *memory_history, *gpus, "DISK R/W", "NET IN/OUT"]


def points_for(width: int) -> int:
    """How many bars fit into a terminal, or into what is none (0)."""
    if 0 < width < _NARROWEST:
        return 0
    return _NARROW_POINTS if 0 < width < _NARROW else HISTORY_POINTS


def rows(sessions: Sequence[LiveUseMessage], *, everyone: bool, points: int, encoding: str) -> list[list[str]]:
    """Who uses most CPU first."""
    with_gpus = _have_gpus(sessions)
    busiest = sorted(sessions, key=lambda it: (-(it.now.cpus or 0), it.name, it.owner))
    return [_row(session, everyone, with_gpus, points, encoding) for session in busiest]


def _row(session: LiveUseMessage, everyone: bool, with_gpus: bool, points: int, encoding: str) -> list[str]:
    now = session.now

    def history(value: Callable[[UsePointMessage], float | None], most: float | None) -> list[str]:
        values = [value(point) for point in session.history]
        return [sparkline(values, points, most or 0.0, encoding=encoding)] if points else []

    return [
        session.name,
        *([session.owner] if everyone else []),
        _of(_cpus(now.cpus), f"{session.cpus_limit:g}" if session.cpus_limit else ""),
        *history(lambda point: point.cpus, session.cpus_limit or 1.0),
        _of(_bytes(now.memory_bytes), _bytes(session.memory_limit_bytes) if session.memory_limit_bytes else ""),
        *history(lambda point: point.memory_bytes, session.memory_limit_bytes),
        *(_gpu_cells(now.gpus) if with_gpus else []),
        _rates(now.disk_read_bytes_s, now.disk_written_bytes_s),
        _rates(now.network_received_bytes_s, now.network_sent_bytes_s),
    ]


def _have_gpus(sessions: Sequence[LiveUseMessage]) -> bool:
    return any(session.now.gpus for session in sessions)


def _gpu_cells(gpus: GpuUseMessage | None) -> list[str]:
    if gpus is None:
        return ["", ""]
    busy = UNKNOWN if gpus.busy is None else f"{gpus.busy:.0%}"
    return [f"{busy} of {gpus.count}", _bytes(gpus.memory_bytes)]


def _cpus(cpus: float | None) -> str:
    return UNKNOWN if cpus is None else f"{cpus:.2f}"


def _bytes(size: float | None) -> str:
    """``1.5M``, ``17B``: short, as there are many."""
    return UNKNOWN if size is None else format_bytes(round(size)).replace(" ", "").replace("iB", "")


def _rates(one: float | None, other: float | None) -> str:
    return UNKNOWN if one is None or other is None else f"{_bytes(one)} {_bytes(other)}"


def _of(value: str, limit: str) -> str:
    return f"{value}/{limit}" if limit else value
