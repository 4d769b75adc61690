"""GPUs: their device nodes, and which session has which."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sshore.core.errors import EngineFailed

DEV = Path("/dev")
_NVIDIA = re.compile(r"nvidia\d+")
_NVIDIA_SHARED = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of this machine: one node each, and the nodes that all of them need."""

    nodes: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    def choose(self, count: int, taken: Collection[str]) -> tuple[str, ...]:
        """GPUs that no other session has.

        Raises:
            EngineFailed: there are not so many.
        """
        free = [node for node in self.nodes if node not in taken]
        if len(free) < count:
            raise EngineFailed(f"{count} GPUs are wanted and {len(free)} of {len(self.nodes)} are free")
        return tuple(free[:count])

    def with_shared(self, chosen: tuple[str, ...]) -> tuple[str, ...]:
        """The nodes to show to a session that has these GPUs."""
        return (*chosen, *self.shared) if chosen else ()


def find_gpus(dev: Path = DEV) -> Gpus:
    """NVIDIA's by /dev/nvidiaN; else AMD's and Intel's by their render nodes."""
    nvidia = sorted(path for path in dev.glob("nvidia*") if _NVIDIA.fullmatch(path.name))
    if nvidia:
        return _gpus(nvidia, [dev / name for name in _NVIDIA_SHARED])
    return _gpus(sorted(dev.glob("dri/renderD*")), [dev / "kfd"])


def _gpus(nodes: list[Path], shared: list[Path]) -> Gpus:
    return Gpus(tuple(map(str, nodes)), tuple(str(path) for path in shared if path.exists()) if nodes else ())


def minors_of(nodes: Collection[str]) -> list[int]:
    """The numbers of NVIDIA's among the nodes, the only ones whose use is told."""
    names = [Path(node).name for node in nodes]
    return [int(name.removeprefix("nvidia")) for name in names if _NVIDIA.fullmatch(name)]


def groups_of(nodes: Collection[str]) -> list[int]:
    """The groups that a process needs to open these nodes, where they are not open to everyone."""
    states = [Path(node).stat() for node in nodes]
    return sorted({state.st_gid for state in states if state.st_mode & 0o006 != 0o006 and state.st_gid != 0})
