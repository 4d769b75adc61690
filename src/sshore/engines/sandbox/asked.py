"""What of a session's wishes a sandbox can have; the rest is refused by name. Ulimits."""

import os
import resource
import shutil
from collections.abc import Iterable

from sshore.core.errors import EngineFailed, InvalidInput
from sshore.core.sessions import SessionSpec
from sshore.core.ulimits import UNLIMITED, Ulimit
from sshore.engines.sandbox.processes import Process
from sshore.wire.problems import Code


def check_asked(spec: SessionSpec) -> None:
    """Refuse what takes an image, root, or a file system of the session's own.

    Raises:
        InvalidInput: names it.
    """
    if spec.image:
        raise InvalidInput("the sandbox engine has no images, but the host's own system: leave --image out")
    if spec.entrypoint:
        raise InvalidInput("the sandbox engine has no images, and so no entrypoints: leave --entrypoint out")
    if spec.root:
        raise InvalidInput("the sandbox engine has no sessions with root: use the docker engine, or leave --root out")
    if spec.resources.disk_bytes is not None:
        raise _unsupported(
            "disk_bytes", "a sandbox writes into its home and folders alone, which --disk does not limit: leave it out"
        )
    for ulimit in spec.resources.ulimits:
        if os.geteuid() != 0 and _is_above_own(ulimit):
            raise _unsupported("ulimits", f"the ulimit {ulimit} is above the server's own, which only root can raise")


def lowering(ulimits: Iterable[Ulimit]) -> tuple[str, ...]:
    """The beginning of a command line that is to run with these limits, as far as they lower what the server has.

    Raises:
        EngineFailed: the program for it is missing.
    """
    lower = [ulimit for ulimit in ulimits if not _is_above_own(ulimit)]
    program = shutil.which("prlimit")
    if lower and program is None:
        raise EngineFailed("ulimits need prlimit, which is part of util-linux: install that")
    return (program or "", *(f"--{ulimit}" for ulimit in lower), "--") if lower else ()


def raise_ulimits(agent: Process, ulimits: Iterable[Ulimit]) -> None:
    """Set those of a process that has not begun to work which are above what the server has.

    Raises:
        EngineFailed: the kernel refuses: the server is no full root (CAP_SYS_RESOURCE).
    """
    for ulimit in filter(_is_above_own, ulimits):
        try:
            resource.prlimit(agent.pid, _number(ulimit), (_limit(ulimit.soft), _limit(ulimit.hard)))
        except (OSError, ValueError) as error:
            raise EngineFailed(f"the ulimit {ulimit} cannot be set: {error}") from error


def _is_above_own(ulimit: Ulimit) -> bool:
    _, own = resource.getrlimit(_number(ulimit))
    return own != resource.RLIM_INFINITY and not 0 <= ulimit.hard <= own


def _number(ulimit: Ulimit) -> int:
    return int(getattr(resource, f"RLIMIT_{ulimit.name.upper()}"))


def _limit(number: int) -> int:
    return resource.RLIM_INFINITY if number == UNLIMITED else number


def _unsupported(limit: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, code=Code.LIMIT_UNSUPPORTED, field=limit)
