"""What sessions use at this moment, and used in the last minutes: readings of counters, and the rates between them."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

POINT_EVERY_S = 5.0
"""How far the points of a history are apart, or a little more."""
MOST_POINTS = 120
_TOO_SOON_S = 0.8 * POINT_EVERY_S


@dataclass(frozen=True, slots=True)
class GpuReading:
    """What the GPUs that a session has do; `busy` is their average share of the time, 0 to 1. None: it is not told."""

    count: int
    busy: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine reads of a running session. All but memory and GPUs grow within one run; None: it cannot be
    told here, or there is nothing of its own to tell of."""

    cpu_s: float
    memory_bytes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    received_bytes: int | None = None
    sent_bytes: int | None = None
    gpus: GpuReading | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """What a session used from one reading to the next: CPUs, bytes, bytes a second."""

    cpus: float | None = None
    memory_bytes: int | None = None
    read_bytes_s: float | None = None
    written_bytes_s: float | None = None
    received_bytes_s: float | None = None
    sent_bytes_s: float | None = None
    gpus: GpuReading | None = None


@dataclass(slots=True)
class Totals:
    """What sessions have used, those that are over included; memory and GPUs: what they use now."""

    sessions: int = 0
    cpu_s: float = 0.0
    memory_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    received_bytes: int = 0
    sent_bytes: int = 0
    gpus_busy: float = 0.0

    def begin_again(self) -> None:
        """Forget what is of now."""
        self.sessions, self.memory_bytes, self.gpus_busy = 0, 0, 0.0

    def add(self, before: Reading | None, now: Reading) -> None:
        self.sessions += 1
        self.memory_bytes += now.memory_bytes or 0
        if now.gpus is not None:
            self.gpus_busy += now.gpus.count * (now.gpus.busy or 0)
        if before is None:
            return
        self.cpu_s += max(now.cpu_s - before.cpu_s, 0)
        for name in ("read_bytes", "written_bytes", "received_bytes", "sent_bytes"):
            grown = _grown(getattr(before, name), getattr(now, name))
            setattr(self, name, getattr(self, name) + (grown or 0))


class History:
    """One run of a session: its last `MOST_POINTS` points, the newest last."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=MOST_POINTS)
        self._before: tuple[float, Reading] | None = None

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    @property
    def newest(self) -> Point:
        return self._points[-1] if self._points else Point()

    def add(self, at_s: float, now: Reading) -> None:
        """Note a reading; `at_s` is of a clock that never goes back. One that comes too soon is left out."""
        if self._before is None:
            self._points.append(Point(memory_bytes=now.memory_bytes, gpus=now.gpus))
        elif (gap_s := at_s - self._before[0]) >= _TOO_SOON_S:
            self._points.append(_between(self._before[1], now, gap_s))
        else:
            return
        self._before = at_s, now


def _between(before: Reading, now: Reading, gap_s: float) -> Point:
    def rate(name: str) -> float | None:
        grown = _grown(getattr(before, name), getattr(now, name))
        return None if grown is None else grown / gap_s

    return Point(
        rate("cpu_s"),
        now.memory_bytes,
        rate("read_bytes"),
        rate("written_bytes"),
        rate("received_bytes"),
        rate("sent_bytes"),
        now.gpus,
    )


def _grown(before: float | None, now: float | None) -> float | None:
    """Sums over processes may shrink a little, when one ends that nobody waited for."""
    return None if before is None or now is None else max(now - before, 0)
