"""A daemon of the product in a process of its own, which tests start, stop and kill."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.processes import wait_ready
from integration.command_line import command_for

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0


class Daemon:
    """`sshore WORD…` in the foreground; what it says is in `log`. Starts again after it was stopped or killed."""

    def __init__(self, words: list[str], environment: dict[str, str], log: Path, is_ready: Callable[[], bool]) -> None:
        self.words = words
        self.log = log
        self.environment = environment
        self.before: tuple[str, ...] = ()
        """What starts it, such as ``prlimit``."""
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it serves."""
        assert not self.is_running
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.before, *command_for(self.environment), *self.words],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_ready(self._process, lambda _: self._is_ready(), self.log, START_DEADLINE_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it as an administrator does, or as Ctrl-C does (SIGINT); it must end well."""
        if self.is_running:
            self._end(how)
            assert self._process is not None
            assert self._process.returncode == 0, self.log.read_text()

    def kill(self) -> None:
        """End it as a crash does (SIGKILL)."""
        if self.is_running:
            self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(STOP_DEADLINE_S)
