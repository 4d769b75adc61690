"""What of a session's wishes a sandbox can have; the rest is refused by name."""

import os
import resource
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
        _check_ulimit(ulimit)


def set_ulimits(agent: Process, ulimits: Iterable[Ulimit]) -> None:
    """Limit a process that has not begun to work, and all that it will start.

    Raises:
        EngineFailed: the kernel refuses.
    """
    for ulimit in ulimits:
        try:
            resource.prlimit(agent.pid, _number(ulimit), (_limit(ulimit.soft), _limit(ulimit.hard)))
        except (OSError, ValueError) as error:
            raise EngineFailed(f"the ulimit {ulimit} cannot be set: {error}") from error


def _check_ulimit(ulimit: Ulimit) -> None:
    # Only root raises a limit above the own one (CAP_SYS_RESOURCE); a session of an ordinary user's server has that.
    _, own = resource.getrlimit(_number(ulimit))
    if os.geteuid() != 0 and own != resource.RLIM_INFINITY and not 0 <= ulimit.hard <= own:
        raise _unsupported(
            "ulimits",
            f"the ulimit {ulimit} cannot be: the server itself has at most {own}, which only root can raise",
        )


def _number(ulimit: Ulimit) -> int:
    return int(getattr(resource, f"RLIMIT_{ulimit.name.upper()}"))


def _limit(number: int) -> int:
    return resource.RLIM_INFINITY if number == UNLIMITED else number


def _unsupported(limit: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, code=Code.LIMIT_UNSUPPORTED, field=limit)
