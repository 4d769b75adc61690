"""What holds of a session that asks for no limits: of its processes, its memory, and what its tmpfs hold."""

from dataclasses import dataclass, replace

from sshore.core.sessions import MOST_PIDS, Resources

_MEMORY_PARTS, _OF_MEMORY = 5, 4
"""Four fifths: whoever takes all loses programs of the own session, while there is still room for the others'."""
_OF_TMPFS = 4
_LEAST_TMPFS = 16 << 20
_RUN_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Rooms:
    """How much a session's places in memory may hold: /tmp and /var/tmp each, /dev/shm, /run."""

    tmp_bytes: int
    shm_bytes: int
    run_bytes: int


def rooms(wanted: Resources, machine_bytes: int) -> Rooms:
    """As much as the session's memory, which it counts as; a quarter of the machine's where it has no limit."""
    room = wanted.memory_bytes or max(machine_bytes // _OF_TMPFS, _LEAST_TMPFS)
    return Rooms(room, wanted.shm_bytes or room, min(room, _RUN_BYTES))


def bounded(wanted: Resources, enforceable: set[str], machine_bytes: int) -> Resources:
    """A session's limits, with those that it did not ask for and that can be enforced here."""
    pids, memory_bytes = wanted.pids, wanted.memory_bytes
    if pids is None and "pids" in enforceable:
        pids = MOST_PIDS
    if memory_bytes is None and "memory_bytes" in enforceable:
        memory_bytes = max(machine_bytes // _MEMORY_PARTS * _OF_MEMORY, wanted.shm_bytes or 0)
    return replace(wanted, pids=pids, memory_bytes=memory_bytes)
