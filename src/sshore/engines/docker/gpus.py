"""GPUs: which there are on the daemon's machine, which are free, and how the daemon is asked for them.

By the Container Device Interface where the daemon has it (Docker 25 and later, when it is switched on, as it is from
28 on; Podman from 5 on) and the machine describes its GPUs (``nvidia-ctk cdi generate``); else by the ``nvidia``
driver of Docker's, which needs NVIDIA's container runtime.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sshore.core.errors import EngineFailed

CDI, NVIDIA = "cdi", "nvidia"
_KIND = "nvidia.com/gpu"
_SPEC_DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
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


def gpu_driver(info: Mapping[str, Any]) -> str:
    """How the daemon that says this of itself is asked for GPUs.

    Raises:
        EngineFailed: it would leave the request out without a word.
    """
    if "BuildahVersion" not in info:
        return CDI if _described(info.get("CDISpecDirs") or ()) else NVIDIA
    version = str(info.get("ServerVersion", ""))
    if not version.partition(".")[0].isdigit() or int(version.partition(".")[0]) < 5:
        raise EngineFailed(f"Podman {version} gives no GPUs by its API: that takes Podman 5, or Docker")
    if not _described(_SPEC_DIRECTORIES):
        raise EngineFailed("the machine does not describe its GPUs for Podman: run nvidia-ctk cdi generate")
    return CDI


def gpu_request(driver: str, gpus: Sequence[str]) -> dict[str, Any]:
    """A device request (``HostConfig.DeviceRequests``)."""
    if driver == CDI:
        return {"Driver": CDI, "DeviceIDs": [f"{_KIND}={gpu}" for gpu in gpus]}
    return {"Driver": NVIDIA, "DeviceIDs": list(gpus), "Capabilities": [["gpu", "utility", "compute"]]}


def _described(directories: Collection[str]) -> bool:
    for directory in map(Path, directories):
        with suppress(OSError):
            if any(_KIND in path.read_text(errors="replace") for path in directory.iterdir()):
                return True
    return False
