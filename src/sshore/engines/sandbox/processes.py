"""Processes that outlive the server: told apart by pid and start time, watched by pidfds (pidfd_open(2)).

A pid alone may be another process by now; with its start time, within one boot, it is not.
"""

import asyncio
import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

_START_TIME_FIELD = 22
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this boot; `start_ticks` is field 22 of ``/proc/PID/stat`` (proc(5))."""

    pid: int
    start_ticks: int

    @property
    def alive(self) -> bool:
        """Whether it has not ended; a zombie has."""
        pidfd = open_pidfd(self)
        if pidfd is None:
            return False
        try:
            return not _has_ended(pidfd, 0)
        finally:
            os.close(pidfd)


def boot_id() -> str:
    """What tells this boot of the machine from all others."""
    return _BOOT_ID.read_text().strip()


def identify(pid: int) -> Process:
    """The process that has this pid now.

    Raises:
        ProcessLookupError: there is none.
    """
    try:
        # The command's name is in parentheses and may itself hold spaces and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError as error:
        raise ProcessLookupError(pid) from error
    return Process(pid, int(fields[_START_TIME_FIELD - 3]))


def open_pidfd(process: Process) -> int | None:
    """A descriptor of just this process, which the caller closes; None when it is gone."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    # Looked at after opening: now the pid cannot be given to another process unnoticed.
    with contextlib.suppress(ProcessLookupError):
        if identify(process.pid) == process:
            return pidfd
    os.close(pidfd)
    return None


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal; nothing happens when the process is gone."""
    pidfd = open_pidfd(process)
    if pidfd is None:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, number)
    finally:
        os.close(pidfd)


def catches(process: Process, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal. One without that is pid 1 of its namespace never gets the
    signal (pid_namespaces(7))."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def wait_ended(process: Process, timeout_s: float) -> bool:
    """Block until a process has ended; whether it has, in time. Works for processes that are no children."""
    pidfd = open_pidfd(process)
    if pidfd is None:
        return True
    try:
        return _has_ended(pidfd, timeout_s)
    finally:
        os.close(pidfd)


async def ended(process: Process) -> None:
    """Return when a process has ended. Works for processes that are no children; safe to cancel."""
    pidfd = open_pidfd(process)
    if pidfd is None:
        return
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    try:
        loop.add_reader(pidfd, readable.set)
        await readable.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def reap(process: Process) -> None:
    """Take a zombie away, if this has become one and was the server's own child."""
    pidfd = open_pidfd(process)
    if pidfd is None:
        return
    _reap(pidfd)
    os.close(pidfd)


def _reap(pidfd: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)


def _has_ended(pidfd: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(int(timeout_s * 1000)))


class Children:
    """Reaps the server's own children as they end, so that no zombie stays; never ends any itself."""

    def __init__(self) -> None:
        self._pidfds: dict[int, asyncio.AbstractEventLoop] = {}

    def watch(self, process: Process) -> None:
        """Reap this child when it ends. Called on the event loop."""
        pidfd = open_pidfd(process)
        if pidfd is None:
            return
        loop = asyncio.get_running_loop()
        self._pidfds[pidfd] = loop
        loop.add_reader(pidfd, self._ended, pidfd)

    def close(self) -> None:
        """Stop watching; what still runs goes on."""
        for pidfd in list(self._pidfds):
            self._drop(pidfd)

    def _ended(self, pidfd: int) -> None:
        _reap(pidfd)
        self._drop(pidfd)

    def _drop(self, pidfd: int) -> None:
        self._pidfds.pop(pidfd).remove_reader(pidfd)
        os.close(pidfd)
