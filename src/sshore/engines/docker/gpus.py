"""GPUs: which there are on the daemon's machine, and which are free."""

import re
from collections.abc import Collection
from pathlib import Path

from sshore.core.errors import EngineFailed

_NVIDIA = re.compile(r"nvidia(\d+)")


def find_gpus(dev: Path = Path("/dev")) -> tuple[str, ...]:
    """NVIDIA's GPUs by number, as device requests name them; /dev/nvidiaN."""
    matches = (_NVIDIA.fullmatch(path.name) for path in dev.glob("nvidia*"))
    return tuple(sorted((match[1] for match in matches if match), key=int))


def choose_gpus(count: int, all_gpus: Collection[str], taken: Collection[str]) -> tuple[str, ...]:
    """GPUs that no other session has.

    Raises:
        EngineFailed: there are not so many.
    """
    free = [gpu for gpu in all_gpus if gpu not in taken]
    if len(free) < count:
        raise EngineFailed(f"{count} GPUs are wanted and {len(free)} of {len(all_gpus)} are free")
    return tuple(free[:count])
