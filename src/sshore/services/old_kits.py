"""Kits of former versions: gone when no session has them mounted any more."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from sshore.core.errors import SshoreError
from sshore.core.ports import Engine, Store

log = logging.getLogger(__name__)
_LOOK_EVERY_S = 24 * 3600.0


class OldKits:
    """`remove` takes away all kits but the newest and those that it is told; it blocks, and returns what it removed."""

    def __init__(
        self, store: Store, engines: Mapping[str, Engine], remove: Callable[[Collection[str]], list[str]]
    ) -> None:
        self._store = store
        self._engines = engines
        self._remove = remove

    async def run(self) -> None:
        """Look at once and each day, until cancelled."""
        while True:
            try:
                await self.prune()
            except SshoreError as error:
                log.warning("old kits stay, for now", extra={"reason": error.problem.detail})
            except Exception:
                log.exception("old kits could not be removed")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def prune(self) -> None:
        """Remove what is not needed; nothing where a session may run of which no engine here can tell.

        Raises:
            SshoreError: an engine cannot tell what its sessions have.
        """
        if any(s.state.holds_resources and s.engine not in self._engines for s in await self._store.sessions.list()):
            return
        needed = {kit for engine in self._engines.values() for kit in await engine.kits()}
        for kit in await asyncio.to_thread(self._remove, needed):
            log.info("an old kit is removed", extra={"kit": kit})
