"""The docker engine: offered where its daemon is configured, was used before, or answers at the usual place."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sshore.core.allowed import Allowed
from sshore.core.errors import InvalidInput, Unavailable
from sshore.engines.docker.options import DEFAULT_HOST, DockerOptions

if TYPE_CHECKING:
    from sshore.engines.docker.engine import DockerEngine

log = logging.getLogger("sshore.docker")


def docker_options(environment: Mapping[str, str], host_network: Allowed = Allowed.NONE) -> DockerOptions:
    """``SSHORE_DOCKER_HOST`` (else ``DOCKER_HOST``), ``SSHORE_DOCKER_IMAGES`` (patterns, by commas),
    ``SSHORE_DOCKER_HOST_NETWORK`` (what ``SSHORE_HOST_NETWORK=all`` is, for containers alone), ``SSHORE_DOCKER_ROOT``
    (none, admins or all), ``SSHORE_DOCKER_COMMIT``,
    ``SSHORE_DOCKER_CONFIG`` (a file or its directory)."""
    host = environment.get("SSHORE_DOCKER_HOST") or environment.get("DOCKER_HOST") or ""
    patterns = environment.get("SSHORE_DOCKER_IMAGES", "").split(",")
    of_old = environment.get("SSHORE_DOCKER_HOST_NETWORK", "") in ("1", "yes", "true")
    return DockerOptions(
        host=host or DEFAULT_HOST,
        configured=bool(host),
        images=tuple(pattern.strip() for pattern in patterns if pattern.strip()),
        root=Allowed.parse("SSHORE_DOCKER_ROOT", environment.get("SSHORE_DOCKER_ROOT", "")),
        commit=environment.get("SSHORE_DOCKER_COMMIT", "") not in ("0", "no", "false"),
        docker_config=_docker_config(environment),
        host_network=Allowed.ALL if of_old else host_network,
    )


def _docker_config(environment: Mapping[str, str]) -> Path:
    """Where the docker command line of this server's user keeps its logins (docker(1))."""
    chosen = environment.get("SSHORE_DOCKER_CONFIG") or environment.get("DOCKER_CONFIG")
    path = Path(chosen).expanduser() if chosen else Path.home() / ".docker"
    return path if path.suffix == ".json" or path.is_file() else path / "config.json"


async def find_docker(state: Path, options: DockerOptions) -> "DockerEngine | None":
    """The engine; None where there is no daemon to offer.

    Raises:
        InvalidInput: the daemon is configured to be where it cannot be, or does not see the state directory.
    """
    wanted = options.configured or (state / "docker").exists()
    if not wanted and not options.socket.exists():
        return None
    from sshore.engines.docker.engine import DockerEngine  # with aiohttp, a tenth of a server's start

    engine = DockerEngine(state, options)
    try:
        await engine.check_state_directory()
    except Unavailable:  # the daemon may come later, and is asked again before a session starts
        if wanted:
            return engine
    except InvalidInput as error:
        if wanted:
            await engine.aclose()
            raise
        log.warning("the docker engine is not offered", extra={"reason": error.problem.detail})
    else:
        return engine
    await engine.aclose()
    _forget(state)
    return None


def _forget(state: Path) -> None:
    """Remove what an engine that was only tried has made: else it would count as used before."""
    shutil.rmtree(state / "docker")
