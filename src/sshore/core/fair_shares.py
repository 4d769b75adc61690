"""Who gets room next: of the users whoever uses least, of one's sessions the oldest, and nobody waits for ever."""

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from sshore.core.allowances import Allowance
from sshore.core.ids import SessionId, UserId
from sshore.core.names import format_bytes
from sshore.core.sessions import MOST_PIDS, Capacity, Resources, Session, shortage

_SHARE = 4


def in_turn(
    pending: Sequence[Session], held: Sequence[Session], capacity: Capacity, favoured: Container[SessionId]
) -> Iterator[tuple[Session, str]]:
    """Sessions that wait, in the order in which they get room, each with what it waits for; empty when it fits.

    A session that must wait keeps its place before those behind it. `favoured` are those that have waited too long:
    they come before all others, so that somebody who uses much gets room in the end. `pending` is oldest first.
    """
    use: defaultdict[UserId, float] = defaultdict(float)
    for session in held:
        use[session.owner_id] += share(session.resources, capacity)
    taken = [session.resources for session in held]
    left = list(pending)
    while left:
        session = min(left, key=lambda one: (False, 0.0) if one.id in favoured else (True, use[one.owner_id]))
        left.remove(session)
        yield session, shortage(session.resources, capacity, taken)
        taken.append(session.resources)
        use[session.owner_id] += share(session.resources, capacity)


def share(resources: Resources, capacity: Capacity) -> float:
    """How much of an engine a session takes: of what it takes most of, as a part of all that there is."""
    parts = [
        (resources.cpus or 0) / capacity.cpus if capacity.cpus else 0,
        (resources.memory_bytes or 0) / capacity.memory_bytes if capacity.memory_bytes else 0,
        resources.gpus / capacity.gpus if capacity.gpus else 0,
    ]
    return max(parts)


def short_of_allowance(wanted: Resources, allowance: Allowance, held: list[Resources]) -> str:
    """What of its owner's allowance a session waits for, as a phrase; empty when it fits beside what runs."""
    gpus = allowance.gpus if allowance.gpus is not None else sum(other.gpus for other in held) + wanted.gpus
    return shortage(wanted, Capacity(allowance.cpus, allowance.memory_bytes, gpus), held)


def within(wanted: Resources, allowance: Allowance) -> Resources:
    """What a session may use that does not say: a quarter of what its owner's sessions may use together, so that
    four such sessions run side by side; and as many processes as it may have. What engines give without being asked
    (`MOST_PIDS`) is not asked for: some cannot."""
    cpus, memory_bytes, pids = wanted.cpus, wanted.memory_bytes, wanted.pids
    if cpus is None and allowance.cpus is not None:
        cpus = max(allowance.cpus / _SHARE, 0.01)
    if memory_bytes is None and allowance.memory_bytes is not None:
        memory_bytes = max(allowance.memory_bytes // _SHARE, 32 << 20)
    if pids is None and allowance.pids != MOST_PIDS:
        pids = allowance.pids
    return replace(wanted, cpus=cpus, memory_bytes=memory_bytes, pids=pids)


def beyond(wanted: Resources, allowance: Allowance) -> str:
    """What a session wants that its owner's allowance can never give it, as a phrase; empty when there is nothing."""
    asked: list[tuple[str, float | None, float | None]] = [
        ("CPUs", wanted.cpus, allowance.cpus),
        ("GPUs", wanted.gpus, allowance.gpus),
        ("processes", wanted.pids, allowance.pids),
    ]
    phrases = [
        f"{asks:g} {what}, and your allowance is {most:g}"
        for what, asks, most in asked
        if asks is not None and most is not None and asks > most
    ]
    memory, most_memory = wanted.memory_bytes, allowance.memory_bytes
    if memory is not None and most_memory is not None and memory > most_memory:
        phrases.append(f"{format_bytes(memory)} of memory, and your allowance is {format_bytes(most_memory)}")
    return "; ".join(phrases)
