"""Agents in memory: a session is linked while the fake machine runs it, unless its agent is kept silent."""

import asyncio
from typing import Any

from fakes.engine import FakeMachine
from sshore.core.errors import Unavailable
from sshore.core.ids import SessionId
from sshore.wire.problems import Code


class FakeLinks:
    """Implements `core.ports.Links`; launched apps are kept by session, as agents do."""

    def __init__(self, machine: FakeMachine) -> None:
        self._machine = machine
        self.silent = False
        self.warnings: list[tuple[SessionId, str]] = []
        self.terminals = 1
        self.launched: dict[SessionId, set[str]] = {}

    def is_linked(self, session_id: SessionId) -> bool:
        session = self._machine.sessions.get(session_id)
        return session is not None and not session.ended.is_set() and not self.silent

    async def wait_linked(self, session_id: SessionId) -> None:
        if not self.is_linked(session_id):
            await asyncio.get_running_loop().create_future()

    async def call(self, session_id: SessionId, call: str, **arguments: Any) -> dict[str, Any]:
        if not self.is_linked(session_id):
            raise Unavailable("no link", code=Code.NO_LINK)
        apps = self.launched.setdefault(session_id, set())
        if call == "app.start":
            apps.add(arguments["app"])
        elif call == "app.stop":
            apps.discard(arguments["app"])
        elif call == "warn":
            self.warnings.append((session_id, arguments["text"]))
            return {"ok": True, "terminals": self.terminals}
        return {"ok": True, "apps": [{"name": app, "launched": True, "connections": 0} for app in sorted(apps)]}

    def drop(self, session_id: SessionId) -> None:
        self.launched.pop(session_id, None)
