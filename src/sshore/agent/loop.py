"""The selector loop: file descriptors, timers and signals in one thread."""

import heapq
import os
import select
import signal
import time
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT

Callback = Callable[[], None]
OnEvents = Callable[[int], None]
"""Is told the epoll events, `READ` and `WRITE` among them; both when the peer is gone: reading or writing says why."""

_GONE = select.EPOLLHUP | select.EPOLLERR


class Timer:
    """A callback in the future, until cancelled."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callback) -> None:
        self.when = when
        self.callback: Callback | None = callback

    def __lt__(self, other: "Timer") -> bool:
        return self.when < other.when

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """Calls back when something is ready. `on_error` hears of exceptions that a callback let out."""

    def __init__(self, on_error: Callable[[BaseException], None]) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, tuple[int, OnEvents]] = {}
        self._timers: list[Timer] = []
        self._on_error = on_error
        self._running = True

    def watch(self, fd: int, events: int, callback: OnEvents) -> None:
        """Call back when `fd` is ready for `events`; replaces what was watched for before."""
        before = self._watched.get(fd)
        if before is None:
            self._epoll.register(fd, events)
        elif before[0] != events:
            self._epoll.modify(fd, events)
        self._watched[fd] = (events, callback)

    def unwatch(self, fd: int) -> None:
        """Watch no more; to be called before `fd` is closed. Nothing happens when it is not watched."""
        if self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def call_later(self, delay_s: float, callback: Callback) -> Timer:
        timer = Timer(time.monotonic() + delay_s, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def on_signals(self, handlers: dict[signal.Signals, Callback]) -> None:
        """Call back from the loop, not between two instructions, when a signal has come."""
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        for number in handlers:
            signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)

        def arrived(events: int) -> None:
            for number in set(os.read(read_end, 4096)):
                handlers[signal.Signals(number)]()

        self.watch(read_end, READ, arrived)

    def stop(self) -> None:
        """Return from `run` when the callback that says so is done."""
        self._running = False

    def run(self) -> None:
        """Call back until `stop`."""
        while self._running:
            for fd, events in self._epoll.poll(self._patience()):
                # An earlier callback may have closed it.
                if fd in self._watched:
                    callback = self._watched[fd][1]
                    ready = events | READ | WRITE if events & _GONE else events
                    self._guarded(lambda callback=callback, ready=ready: callback(ready))  # type: ignore[misc]
            self._run_timers()

    def _patience(self) -> float | None:
        return max(self._timers[0].when - time.monotonic(), 0) if self._timers else None

    def _run_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0].when <= now:
            callback = heapq.heappop(self._timers).callback
            if callback is not None:
                self._guarded(callback)

    def _guarded(self, callback: Callback) -> None:
        try:
            callback()
        except Exception as error:  # the boundary of one connection: the others go on
            self._on_error(error)
