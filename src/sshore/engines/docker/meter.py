"""What running containers use: from the kernel where their processes are seen from here, else from the daemon.

The daemon's own statistics take it a request each; the kernel's are some files. A server that runs in a container of
its own sees no process of the others'.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiodocker.containers import DockerContainer

from sshore.core.errors import first_failure
from sshore.core.ids import SessionId
from sshore.core.live_use import Reading
from sshore.engines.docker.container import GPUS_LABEL, SESSION_LABEL
from sshore.engines.docker.daemon import Daemon
from sshore.engines.measuring.groups import groups_named
from sshore.engines.measuring.nvidia import gpus_by_minor, reading_of
from sshore.engines.measuring.processes import use_of_processes
from sshore.engines.measuring.reading import reading

_NOT_SEEN = 0
_AT_ONCE = 16


class Meter:
    def __init__(self, daemon: Daemon, show: Callable[[DockerContainer], Awaitable[dict[str, Any]]]) -> None:
        """`show`: what the daemon shows of a container that runs; nothing of another."""
        self._daemon = daemon
        self._show = show
        self._pids: dict[str, int] = {}

    async def read(self, running: Sequence[DockerContainer]) -> dict[SessionId, Reading]:
        # Read now: once a container is asked for by itself, aiodocker has other words for it, without these.
        labels = {container.id: dict(container["Labels"]) for container in running}
        self._pids = {id_: pid for id_, pid in self._pids.items() if id_ in labels}
        for container in running:
            if container.id not in self._pids:
                await self._find(container)
        gpus = {id_: _gpus(of_one) for id_, of_one in labels.items()}
        known = await asyncio.to_thread(gpus_by_minor) if any(gpus.values()) else {}
        seen = await asyncio.to_thread(self._read_seen)
        seen |= await self._ask_all([container for container in running if container.id not in seen])
        return {
            SessionId(labels[id_][SESSION_LABEL]): replace(read, gpus=reading_of(gpus[id_], known))
            for id_, read in seen.items()
        }

    async def _find(self, container: DockerContainer) -> None:
        shown = await self._show(container)
        if shown:
            pid = int(shown["State"]["Pid"])
            self._pids[container.id] = pid if await asyncio.to_thread(groups_named, pid, container.id) else _NOT_SEEN

    async def _ask_all(self, containers: Sequence[DockerContainer]) -> dict[str, Reading]:
        """The daemon, of containers that have been started anew meanwhile, have ended, or are not seen from here; of
        many at once, as dockerd takes a second for each, even for one shot."""
        found: dict[str, Reading] = {}
        few = asyncio.Semaphore(_AT_ONCE)

        async def ask(container: DockerContainer) -> None:
            if self._pids.get(container.id) != _NOT_SEEN:
                self._pids.pop(container.id, None)
            async with few:
                read = await self._daemon.statistics(container)
            if read is not None:
                found[container.id] = read

        with first_failure():
            async with asyncio.TaskGroup() as tasks:
                for container in containers:
                    tasks.create_task(ask(container))
        return found

    def _read_seen(self) -> dict[str, Reading]:
        """Of those whose pid is still the container's, by their ids."""
        groups = {id_: groups_named(pid, id_) for id_, pid in self._pids.items() if pid != _NOT_SEEN}
        pids = {id_: self._pids[id_] for id_, found in groups.items() if found}
        used = use_of_processes(pids.values()) if pids else {}
        return {id_: reading(pid, used[pid], groups[id_]) for id_, pid in pids.items() if pid in used}


def _gpus(labels: Mapping[str, str]) -> list[int]:
    return [int(number) for number in (labels.get(GPUS_LABEL) or "").split(",") if number.isdigit()]
