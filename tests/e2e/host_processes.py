"""Processes of sessions, as the host sees them."""

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
from ssh_client import SshClient

from sshore.core import layout

T = TypeVar("T")


@dataclass(frozen=True)
class Sleeper:
    """A `sleep` that was left running in a session; no other process on this machine has its arguments."""

    process: psutil.Process
    started: float

    @property
    def still_sleeps(self) -> bool:
        """Whether it is this very process (pid and start time) that runs, and no other."""
        return self.process.is_running() and self.process.create_time() == self.started

    @property
    def agent(self) -> psutil.Process:
        """The agent of its session."""
        return next(parent for parent in self.process.parents() if parent.cmdline()[:1] == [layout.KIT_PYTHON])


def leave_sleeping(client: SshClient, started_by: str = "setsid") -> Sleeper:
    """Leave a `sleep` running in the session, and find it on the host."""
    words = ["sleep", f"{random.randint(10**6, 10**9)}"]
    client.ok(f"({started_by} {' '.join(words)} >/dev/null 2>&1 </dev/null) &")
    process = until(lambda: next((p for p in psutil.process_iter() if command_of(p) == words), None), "it sleeps")
    return Sleeper(process, process.create_time())


def sandboxes_of(state: Path) -> int:
    """How many sandboxes run on a state directory."""
    return sum(len(bwraps_of(path.name)) for path in (state / "sessions").glob("*"))


def bwraps_of(session_id: str, among: Iterable[psutil.Process] | None = None) -> list[psutil.Process]:
    """The bwrap that holds a session; those of folders hold none. Their command lines do not tell."""
    found = []
    for process in psutil.process_iter() if among is None else among:
        with suppress(psutil.Error):
            if process.name() == "bwrap" and process.environ().get(layout.ID_VARIABLE, "") == session_id:
                found.append(process)
    return found


def command_of(process: psutil.Process) -> list[str]:
    """Its arguments; none where it has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def until(ask: Callable[[], T | None], what: str, deadline_s: float = 10) -> T:
    """What `ask` answers as soon as that is something. Asking is often a program, so the longer it takes, the rarer."""
    began = time.monotonic()
    while not (answer := ask()):
        waited_s = time.monotonic() - began
        assert waited_s < deadline_s, f"not within {deadline_s} s: {what}"
        time.sleep(min(0.05 + waited_s / 10, 1))
    return answer
