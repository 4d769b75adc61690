"""The docker engine: offered where its daemon is configured, was used before, or answers at the usual place."""

from collections.abc import Mapping
from pathlib import Path

from sshore.engines.docker import DockerEngine, DockerOptions
from sshore.engines.docker.options import DEFAULT_HOST


def docker_options(environment: Mapping[str, str]) -> DockerOptions:
    """``SSHORE_DOCKER_HOST`` (else ``DOCKER_HOST``), ``SSHORE_DOCKER_IMAGES`` (patterns, by commas),
    ``SSHORE_DOCKER_HOST_NETWORK``."""
    host = environment.get("SSHORE_DOCKER_HOST") or environment.get("DOCKER_HOST") or ""
    patterns = environment.get("SSHORE_DOCKER_IMAGES", "").split(",")
    return DockerOptions(
        host=host or DEFAULT_HOST,
        configured=bool(host),
        images=tuple(pattern.strip() for pattern in patterns if pattern.strip()),
        host_network=environment.get("SSHORE_DOCKER_HOST_NETWORK", "") in ("1", "yes", "true"),
    )


async def find_docker(state: Path, options: DockerOptions) -> DockerEngine | None:
    """The engine; None where there is no daemon to offer.

    Raises:
        InvalidInput: the daemon is configured to be where it cannot be.
    """
    if options.configured or (state / "docker").exists():
        return DockerEngine(state, options)
    if not options.socket.exists():
        return None
    engine = DockerEngine(state, options)
    if await engine.answers():
        return engine
    await engine.aclose()
    return None
