"""Which limits the daemon can keep; what it cannot is refused by name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sshore.core.errors import InvalidInput
from sshore.core.sessions import Resources
from sshore.core.ulimits import UNLIMITED, Ulimit
from sshore.wire.problems import Code

_LIMITS = {"cpus": "CpuCfsQuota", "memory_bytes": "MemoryLimit", "pids": "PidsLimit"}
_DISK_DRIVERS = ("btrfs", "zfs", "devicemapper")
_PROJECT_QUOTAS = {"pquota", "prjquota"}
_HIGHEST_NOFILE = Path("/proc/sys/fs/nr_open")


def check_limits(wanted: Resources, info: Mapping[str, Any]) -> None:
    """Refuse a limit that the daemon which says this of itself cannot keep.

    Raises:
        InvalidInput: names it (``limit_unsupported``).
    """
    for limit, can in _LIMITS.items():
        if getattr(wanted, limit) is not None and not info.get(can, True):
            raise _unsupported(limit, f"the Docker daemon cannot limit {limit.removesuffix('_bytes')} on this machine")
    if wanted.disk_bytes is not None and not _limits_disk(info):
        raise _unsupported(
            "disk_bytes",
            f"the Docker daemon cannot limit the disk: its storage driver {info.get('Driver')} can on XFS mounted with "
            "pquota, and btrfs and zfs can; leave --disk out, or write into folders",
        )
    _check_nofile(wanted.ulimits)


def _limits_disk(info: Mapping[str, Any]) -> bool:
    driver = info.get("Driver")
    if driver in _DISK_DRIVERS:
        return True
    # overlay2 (Docker), overlay (Podman), by project quotas, which it finds out itself.
    status = {str(row[0]): str(row[1]) for row in info.get("DriverStatus") or () if len(row) > 1}
    if driver not in ("overlay2", "overlay") or status.get("Backing Filesystem") != "xfs":
        return False
    return bool(_PROJECT_QUOTAS & _mount_options(Path(str(info.get("DockerRootDir", "/")))))


def _mount_options(path: Path) -> set[str]:
    """Those of the mount that a directory lies on (proc(5), mounts)."""
    found: set[str] = set()
    longest = -1
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, _, options, *_ = line.split()
        if path.is_relative_to(place) and len(place) >= longest:
            longest, found = len(place), set(options.split(","))
    return found


def _check_nofile(ulimits: Iterable[Ulimit]) -> None:
    highest = int(_HIGHEST_NOFILE.read_text())
    for ulimit in ulimits:
        if ulimit.name == "nofile" and (ulimit.hard == UNLIMITED or ulimit.hard > highest):
            raise _unsupported(
                "ulimits", f"the ulimit {ulimit} cannot be: this machine's kernel allows {highest} files"
            )


def _unsupported(limit: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, code=Code.LIMIT_UNSUPPORTED, field=limit)
