"""What this machine has for sessions."""

import os
from pathlib import Path

from sshore.core.sessions import Capacity
from sshore.engines.sandbox.gpus import Gpus

_HOST_SHARE = 0.05
"""Memory that stays with the host: the kernel, the server, the networks' processes."""


def machine_capacity(gpus: Gpus, meminfo: Path = Path("/proc/meminfo")) -> Capacity:
    """The processors that the server may use, most of the memory, and the GPUs."""
    return Capacity(
        cpus=float(len(os.sched_getaffinity(0))),
        memory_bytes=int(memory_bytes(meminfo) * (1 - _HOST_SHARE)),
        gpus=len(gpus.nodes),
    )


def memory_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """All of this machine's."""
    line = next(line for line in meminfo.read_text().splitlines() if line.startswith("MemTotal:"))
    return int(line.split()[1]) * 1024
