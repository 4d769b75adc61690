"""What a server would miss that its user starts on this machine: for `sshore doctor`.

Nothing here stands in a connection's way. Each part is tried as the server tries it; of the server's own packages,
which are on Linux only.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sshore.core.choices import Network
from sshore.core.errors import SshoreError
from sshore.core.sessions import Resources

_LIMITS = (
    ("--cpus", Resources(cpus=1)), ("--memory", Resources(memory_bytes=1 << 30)), ("--pids", Resources(pids=64)),
)  # fmt: skip


def examine_machine() -> Iterator[tuple[str, bool, str]]:
    """What is tried, whether a server here has it, and what it has or what to do. Nothing where no server can be."""
    if sys.platform != "linux":
        return
    parts: list[tuple[str, Callable[[], str]]] = [
        ("programs", _programs),
        ("sandbox", _sandbox),
        ("network nat", _nat),
        *((f"limit {option}", partial(_limit, limit)) for option, limit in _LIMITS),
    ]
    for part, check in parts:
        try:
            yield part, True, check()
        except SshoreError as error:
            yield part, False, error.problem.detail


def _programs() -> str:
    from sshore.kit.distribution import install_command
    from sshore.kit.programs import find_patchelf, find_programs, require_programs

    found = find_programs()
    require_programs(found)
    find_patchelf()
    missing = "" if "rsync" in found else f"; for rsync in sessions: `{install_command('rsync')}`, as root"
    return f"sshd is {found['sshd']}{missing}"


def _sandbox() -> str:
    from sshore.engines.sandbox.binary import find_bwrap

    with tempfile.TemporaryDirectory(prefix="sshore-doctor-") as stage:
        Path(stage).chmod(0o711)
        find_bwrap(Path(stage), _host_uid())
    return "bwrap makes sandboxes"


def _nat() -> str:
    from sshore.engines.sandbox.nat.network import check_network

    check_network(Network.NAT, _host_uid())
    return "sessions can have a network of their own"


def _limit(limit: Resources) -> str:
    from sshore.engines.sandbox.cgroups import Cgroups

    Cgroups().check(limit)
    return "can be enforced"


def _host_uid() -> int | None:
    """The uid of sessions: their owner's own where the server is root."""
    from sshore.services.people.accounts import HOST_UIDS

    return HOST_UIDS.start if os.geteuid() == 0 else None
