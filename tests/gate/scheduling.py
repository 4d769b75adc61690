"""Which worker runs what. Tests of one file and world go to one worker in one go; what takes long begins first.

A *world* is the deployment that end-to-end tests share, with sessions in sandboxes or in containers: a worker stays
in one as long as there is work in it.
"""

import re
from collections.abc import Iterable

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_STORE = "tests/integration/store/"
"""One unit: each worker that ran some of it would make a PostgreSQL of its own."""

# Seconds of a test, by where it is; the first that fits.
_SECONDS = (
    (r"e2e/test_new_host", 90.0),
    (r"e2e/test_server_in_container", 20.0),
    (r"e2e/test_(activity|folder_sharing|folders_in_running_sessions|large_transfers|podman|postgresql|up\b)", 14.0),
    (r"e2e/test_(folder_uploads|thirty_sessions)", 10.0),
    (r"e2e/test_(docker_container|own_files|restarts)", 7.0),
    (r"e2e/test_(docker_lifetime|image_commands|own_keys)|\[podman", 5.0),
    (r"e2e/.*\[.*docker|e2e/test_docker|e2e/test_every_route", 3.0),
    (r"e2e/", 1.5),
    (r"integration/", 0.7),
    (r"", 0.02),
)


class Worlds(LoadScopeScheduling):
    """xdist's own scheduler of units of tests, with this project's units and another order."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        self._world: dict[WorkerController, str] = {}

    def add_node(self, node: WorkerController) -> None:
        super().add_node(node)
        # Half of the workers begin with containers, the other half with sandboxes.
        self._world[node] = ("docker", "sandbox")[len(self._world) % 2]

    def _split_scope(self, nodeid: str) -> str:
        where = _STORE if nodeid.startswith(_STORE) else nodeid.partition("::")[0]
        return f"{where} {'podman' if '[podman' in nodeid else ''} {_world_of(nodeid)}"

    def _reschedule(self, node: WorkerController) -> None:
        # A worker begins its last test only when it knows what follows; so one that waits is enough.
        if node.shutting_down or not self.workqueue or self._pending_of(self.assigned_work[node]) <= 1:
            super()._reschedule(node)

    def _assign_work_unit(self, node: WorkerController) -> None:
        """Assign the longest unit of the worker's world, or of none; where there is none of these, the longest."""
        here = [unit for unit in self.workqueue if unit.rpartition(" ")[2] in (self._world[node], "")]
        chosen = max(here or self.workqueue, key=lambda unit: _seconds_of(self.workqueue[unit]))
        self._world[node] = chosen.rpartition(" ")[2] or self._world[node]
        self.workqueue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)


def _world_of(nodeid: str) -> str:
    """``docker`` or ``sandbox`` for what needs the shared deployment; empty for all else."""
    if "/e2e/" not in nodeid:
        return ""
    return "docker" if re.search(r"\[(.*-)?docker\b", nodeid) else "sandbox"


def _seconds_of(nodeids: Iterable[str]) -> float:
    """What a unit takes, more or less: only the order depends on it."""
    return sum(next(seconds for where, seconds in _SECONDS if re.search(where, nodeid)) for nodeid in nodeids)
