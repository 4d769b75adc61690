"""SIGINT and SIGTERM as an event, for programs that end in order."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set the event when the process is told to end. Windows delivers Ctrl-C as KeyboardInterrupt instead."""
    if sys.platform == "win32":
        yield
        return
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
