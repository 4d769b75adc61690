"""What NVIDIA's GPUs do, by nvidia-smi(1): a program of its own, so that no fault of the driver's is the server's."""

import contextlib
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sshore.core.live_use import GpuReading

_QUERY = ("nvidia-smi", "--query-gpu=index,pci.bus_id,utilization.gpu,memory.used", "--format=csv,noheader,nounits")
_TIMEOUT_S = 4.0
_MIB = 1 << 20
_DRIVER = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True, slots=True)
class Gpu:
    """`busy` is its share of the time, 0 to 1."""

    busy: float | None
    memory_bytes: int | None


def gpus_by_minor() -> dict[int, Gpu]:
    """Each GPU by the number of its device node, /dev/nvidiaN; none where nvidia-smi does not tell. Blocking."""
    try:
        done = subprocess.run(_QUERY, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parse(done.stdout, _minors(_DRIVER)) if done.returncode == 0 else {}


def parse(said: str, minors: Mapping[str, int]) -> dict[int, Gpu]:
    """`minors` are device numbers by bus address. The order of nvidia-smi, which is that of the bus, stands in for
    those that the driver does not tell."""
    found = {}
    for line in said.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4 and fields[0].isdigit():
            busy, memory = _number(fields[2]), _number(fields[3])
            minor = minors.get(_bus(fields[1]), int(fields[0]))
            found[minor] = Gpu(None if busy is None else busy / 100, None if memory is None else memory * _MIB)
    return found


def reading_of(minors: Collection[int], gpus: Mapping[int, Gpu]) -> GpuReading | None:
    """What a session's GPUs do together; None for a session without."""
    if not minors:
        return None
    known = [gpus[minor] for minor in minors if minor in gpus]
    busy = [gpu.busy for gpu in known if gpu.busy is not None]
    memory = [gpu.memory_bytes for gpu in known if gpu.memory_bytes is not None]
    return GpuReading(len(minors), sum(busy) / len(busy) if busy else None, sum(memory) if memory else None)


def _minors(driver: Path) -> dict[str, int]:
    found = {}
    with contextlib.suppress(OSError):
        for directory in driver.iterdir():
            for line in (directory / "information").read_text().splitlines():
                key, _, value = line.partition(":")
                if key == "Device Minor" and value.strip().isdigit():
                    found[_bus(directory.name)] = int(value)
    return found


def _bus(address: str) -> str:
    """nvidia-smi says ``00000000:65:00.0``, the driver ``0000:65:00.0``."""
    return address.lower()[-12:]


def _number(text: str) -> int | None:
    """``[N/A]`` where the GPU does not tell, as parts of one (MIG) do not."""
    return int(text) if text.isdigit() else None
