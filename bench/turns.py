"""Taking turns: what is compared is measured in alternation, so that a slow minute of the machine meets both."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


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


def timed(action: Callable[[], None]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def take_turns(actions: Mapping[str, Callable[[], float]], turns: int) -> dict[str, Samples]:
    """Call each action once for each turn; an action returns the seconds that count. Who begins alternates."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(turns):
        for name in list(actions) if turn % 2 == 0 else list(actions)[::-1]:
            taken[name].append(actions[name]())
    return {name: Samples(tuple(seconds)) for name, seconds in taken.items()}
