"""Taking turns: what is compared is measured in alternation, so that a slow minute of the machine meets both."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_LOOK_S = 0.5
_IDLE_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds, one for each turn."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def rate(self, amount: float) -> float:
        """`amount` for each second, at the median."""
        return amount / self.median


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is measured, and how long to wait, before each turn, for a machine that others use to fall quiet."""

    quick: bool = False
    patience_s: float = 0.0

    def of(self, many: int, few: int) -> int:
        """The one number, or the other when it has to be quick."""
        return few if self.quick else many

    def take_turns(self, actions: Mapping[str, Callable[[], float]], turns: int) -> dict[str, Samples]:
        """Call each action once for each turn; an action returns the seconds that count. Who begins alternates."""
        taken: dict[str, list[float]] = {name: [] for name in actions}
        for turn in range(turns):
            self.wait_quiet()
            for name in list(actions) if turn % 2 == 0 else list(actions)[::-1]:
                taken[name].append(actions[name]())
        return {name: Samples(tuple(seconds)) for name, seconds in taken.items()}

    def wait_quiet(self) -> None:
        """Return when the processors have been idle for a moment, or patience is at its end."""
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            idle, whole = _processor_time()
            time.sleep(_LOOK_S)
            idle_now, whole_now = _processor_time()
            if idle_now - idle >= _IDLE_SHARE * (whole_now - whole):
                return


def timed(action: Callable[[], None]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _processor_time() -> tuple[int, int]:
    """Idle time and all time of the processors so far, in ticks (proc(5), ``/proc/stat``)."""
    with Path("/proc/stat").open() as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
