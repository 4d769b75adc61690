"""Processes of the agent: spawned, reaped, ended as groups."""

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from sshore.agent.loop import Callback, Loop, Timer
from sshore.agent.open_files import OpenFiles

OnExit = Callable[[int, int], None]
"""Is told the pid and the exit status; minus the signal's number when one killed it (`os.waitstatus_to_exitcode`)."""

_OFFERED = "500"
"""Of 1,000; the agent keeps what it has, usually 0."""

# Python ignores these two, and what is ignored stays so across execve(2): a shell would inherit it.
_DEFAULT_AGAIN = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Children:
    """The processes that run; each leads a process group of its own."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._open_files = OpenFiles()
        self._on_exit: dict[int, OnExit] = {}
        self._endings: list[_Ending] = []

    def spawn(
        self,
        command: tuple[str, ...],
        on_exit: OnExit,
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        environment: Mapping[str, str] | None = None,
    ) -> int:
        """Start a program in a session (setsid(2)) of its own, in the agent's directory and environment, or in another
        environment.

        Raises:
            OSError: it cannot be started.
        """
        with self._open_files.of_session(stdin, stdout, stderr) as given:
            pid = os.posix_spawnp(
                command[0],
                command,
                os.environ if environment is None else environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(given)],
                setsid=True,
                setsigmask=(),
                setsigdef=_DEFAULT_AGAIN,
            )
        self._on_exit[pid] = on_exit
        _offer_first(pid)
        return pid

    def reap(self) -> None:
        """Collect all that have ended, orphans among them, of which nobody wants to hear."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            on_exit = self._on_exit.pop(pid, None)
            if on_exit is not None:
                on_exit(pid, os.waitstatus_to_exitcode(status))
        for ending in list(self._endings):
            self._check(ending)

    def end(self, pids: Iterable[int], grace_s: float, done: Callback) -> None:
        """Terminate process groups, kill them after `grace_s`, and call back when their leaders are reaped."""
        ending = _Ending({pid for pid in pids if pid in self._on_exit}, done)
        self._signal(ending.pids, signal.SIGTERM)
        ending.timer = self._loop.call_later(grace_s, lambda: self._signal(ending.pids, signal.SIGKILL))
        self._endings.append(ending)
        self._check(ending)

    def all(self) -> list[int]:
        return list(self._on_exit)

    def _check(self, ending: "_Ending") -> None:
        ending.pids &= self._on_exit.keys()
        if not ending.pids:
            ending.timer.cancel()
            self._endings.remove(ending)
            ending.done()

    def _signal(self, pids: Iterable[int], number: signal.Signals) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.killpg(pid, number)


def _offer_first(pid: int) -> None:
    """Where memory runs out, the kernel is to take a child, and what it has started, before the agent, with which the
    session ends (proc(5), oom_score_adj)."""
    with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as file:  # noqa: PTH123 - pathlib costs a megabyte
        file.write(_OFFERED)


class _Ending:
    def __init__(self, pids: set[int], done: Callback) -> None:
        self.pids = pids
        self.done = done
        self.timer: Timer


def describe_exit(status: int) -> str:
    """A phrase: ``ended with exit status 3``, ``was killed by SIGKILL``."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
