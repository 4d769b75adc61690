"""A session's reading, from its control groups as far as they count, else from its processes."""

from collections.abc import Iterable
from pathlib import Path

from sshore.core.live_use import GpuReading, Reading
from sshore.engines.measuring.groups import use_of_groups
from sshore.engines.measuring.processes import PROC, ProcessUse


def reading(
    pid: int, processes: ProcessUse, groups: Iterable[Path], gpus: GpuReading | None = None, proc: Path = PROC
) -> Reading:
    """What a session uses whose agent is `pid`. Where it shares the host's network, the bytes are the host's:
    the caller knows."""
    counted = use_of_groups(groups)
    in_groups = counted.read_bytes is not None
    received, sent = network_bytes(pid, proc)
    return Reading(
        cpu_s=processes.cpu_s if counted.cpu_s is None else counted.cpu_s,
        memory_bytes=processes.memory_bytes if counted.memory_bytes is None else counted.memory_bytes,
        read_bytes=counted.read_bytes if in_groups else processes.read_bytes,
        written_bytes=counted.written_bytes if in_groups else processes.written_bytes,
        received_bytes=received,
        sent_bytes=sent,
        gpus=gpus,
    )


def network_bytes(pid: int, proc: Path = PROC) -> tuple[int | None, int | None]:
    """Bytes received and sent by the interfaces of a process's network namespace, its loopback left out (proc(5),
    ``/proc/PID/net/dev``)."""
    try:
        lines = (proc / str(pid) / "net/dev").read_text().splitlines()[2:]
    except OSError:  # it has ended
        return None, None
    received, sent = 0, 0
    for line in lines:
        name, _, numbers = line.rpartition(":")
        if name.strip() != "lo":
            fields = numbers.split()
            received, sent = received + int(fields[0]), sent + int(fields[8])
    return received, sent
