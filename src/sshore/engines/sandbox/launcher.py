"""Before a start: whether the session can be here at all, and which GPUs it gets. Blocking."""

import os
import resource
import threading
from dataclasses import replace
from pathlib import Path

from sshore.core.errors import EngineFailed
from sshore.core.sessions import SessionSpec
from sshore.engines.sandbox import ending
from sshore.engines.sandbox.asked import check_asked
from sshore.engines.sandbox.binary import find_bwrap
from sshore.engines.sandbox.bounds import bounded, rooms
from sshore.engines.sandbox.capacity import memory_bytes
from sshore.engines.sandbox.cgroups import Cgroups
from sshore.engines.sandbox.gpus import Gpus
from sshore.engines.sandbox.launch import Launch
from sshore.engines.sandbox.logs import Logs
from sshore.engines.sandbox.nat.network import check_network
from sshore.engines.sandbox.options import SandboxOptions
from sshore.engines.sandbox.processes import boot_id
from sshore.engines.sandbox.records import Record, Records


class Launcher:
    """Checks sessions and starts them; several threads may."""

    def __init__(
        self, stage: Path, records: Records, logs: Logs, limits: Cgroups, gpus: Gpus, options: SandboxOptions
    ) -> None:
        """`stage` is a directory for a bwrap that every owner's uid can run."""
        self._stage = stage
        self._mounts = stage.parent / "mounts"
        self._mounts.mkdir(mode=0o711, exist_ok=True)
        self._records = records
        self._logs = logs
        self._limits = limits
        self._gpus = gpus
        self._filtered = options.filtered
        self._choosing = threading.Lock()
        # Before the server raises its own.
        self._open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._bwrap: dict[bool, Path] = {}
        self._held: set[str] | None = None

    def check(self, spec: SessionSpec) -> None:
        """See `core.ports.Engine.check`."""
        check_asked(spec)
        _check_uid(spec.host_uid)
        self._limits.check(spec.resources)
        check_network(spec.network, spec.host_uid)
        if not (spec.kit / "python/bin/python3").exists():
            raise EngineFailed(f"the kit at {spec.kit} is not complete: restart the server, which builds it anew")
        self._find_bwrap(spec.host_uid)

    def launch(self, spec: SessionSpec, leftover: Record | None) -> Record:
        """Start a session, after ending what is left of its last run.

        Raises:
            EngineFailed: it did not start; nothing of it is left but its log.
        """
        self.check(spec)
        if leftover and leftover.end_reason is None:
            ending.end(self._records, self._logs, leftover)
        machine_bytes = memory_bytes()
        room = rooms(spec.resources, machine_bytes)
        spec = replace(spec, resources=bounded(spec.resources, self._enforceable(), machine_bytes))
        try:
            record = self._plan(spec)
        except OSError as error:
            raise EngineFailed(f"the session {spec.name} did not start: {error}") from error
        nodes = self._gpus.with_shared(record.gpus)
        bwrap = self._find_bwrap(spec.host_uid)
        return Launch(
            spec,
            record,
            bwrap,
            nodes,
            self._records,
            self._logs,
            self._limits,
            self._mounts,
            self._open_files,
            room,
            self._filtered,
        ).run()

    def _plan(self, spec: SessionSpec) -> Record:
        with self._choosing:
            record = Record(
                spec.id,
                boot_id(),
                cgroups=self._limits.plan(spec.id, spec.resources),
                gpus=self._choose_gpus(spec),
                memory_bytes=spec.resources.memory_bytes,
            )
            # Written while nobody else chooses: from now on these GPUs are taken.
            self._records.write(record)
        return record

    def _enforceable(self) -> set[str]:
        """Which limits hold of sessions that did not ask for them; found out once."""
        with self._choosing:
            if self._held is None:
                self._held = self._limits.enforceable()
            return self._held

    def _choose_gpus(self, spec: SessionSpec) -> tuple[str, ...]:
        if spec.resources.gpus == 0:
            return ()
        taken = {node for other in self._records.unended() if other.id != spec.id for node in other.gpus}
        return self._gpus.choose(spec.resources.gpus, taken)

    def _find_bwrap(self, host_uid: int | None) -> Path:
        as_owner = host_uid is not None
        if as_owner not in self._bwrap or not self._bwrap[as_owner].exists():
            self._bwrap[as_owner] = find_bwrap(self._stage, host_uid)
        return self._bwrap[as_owner]


def _check_uid(host_uid: int | None) -> None:
    """No process of a session ever runs as the host's root, and only root gives sessions a uid of their own."""
    if os.geteuid() == 0 and not host_uid:
        raise EngineFailed("a server that is root must give every owner a uid of its own, other than 0")
    if os.geteuid() != 0 and host_uid not in (None, os.geteuid()):
        raise EngineFailed(f"only a server that is root can give a session the uid {host_uid}")
