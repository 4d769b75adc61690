"""How much memory a process of this host has, and how much it reads and writes."""

import time
from collections.abc import Callable

import psutil


def resident_bytes(pid: int) -> int:
    size: int = psutil.Process(pid).memory_info().rss
    return size


def wait_until_idle(progress: Callable[[], int], within_s: float = 30.0) -> None:
    """Return when a counter that only grows has stood still for half a second, since nothing tells of a standstill."""
    deadline = time.monotonic() + within_s
    last, since = progress(), time.monotonic()
    while time.monotonic() - since < 0.5:
        assert time.monotonic() < deadline, "it goes on and on"
        time.sleep(0.05)
        if (now := progress()) != last:
            last, since = now, time.monotonic()
