"""What running sessions use now and used in the last minutes, for those who may see them. In memory alone: nothing is
left of a session that has ended, but in the sums over all of them."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sshore.core.choices import Network
from sshore.core.ids import SessionId
from sshore.core.live_use import History, Reading, Totals
from sshore.core.sessions import Session


@dataclass(slots=True)
class _Run:
    started_at: datetime | None
    history: History
    before: Reading | None = None


class LiveUse:
    """Filled by `SessionWatch`, which reads the engines for all sessions at once."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._runs: dict[SessionId, _Run] = {}
        self.totals: defaultdict[str, Totals] = defaultdict(Totals)
        """By engine."""

    def note(self, running: Sequence[Session], readings: Mapping[SessionId, Reading]) -> None:
        """Note what was read just now, and forget sessions that do not run."""
        at_s = self._monotonic_s()
        self._runs = {session.id: self._run(session) for session in running}
        for totals in self.totals.values():
            totals.begin_again()
        for session in running:
            if session.id in readings:
                run, now = self._runs[session.id], _own(session, readings[session.id])
                self.totals[session.engine].add(run.before, now)
                run.history.add(at_s, now)
                run.before = now

    def of(self, session: Session) -> History:
        """Empty for one that does not run, or has just started."""
        run = self._runs.get(session.id)
        return run.history if run and run.started_at == session.started_at else History()

    def _run(self, session: Session) -> _Run:
        run = self._runs.get(session.id)
        return run if run and run.started_at == session.started_at else _Run(session.started_at, History())


def _own(session: Session, read: Reading) -> Reading:
    """The bytes of the host's network are no session's."""
    if session.network is Network.HOST:
        return replace(read, received_bytes=None, sent_bytes=None)
    return read
