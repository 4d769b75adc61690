"""Pulls: what the daemon tells of one, as the port's progress and errors."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from aiodocker import DockerError
from aiodocker.jsonstream import json_stream_stream

from sshore.core.errors import EngineFailed, NotFound, SshoreError
from sshore.core.images import PullProgress, full_name, registry_of
from sshore.engines.docker.credentials import Credentials
from sshore.engines.docker.daemon import Daemon
from sshore.wire.problems import Code

_STEP_S = 0.2
"""A daemon tells of each few kilobytes; whoever watches does not see more than some steps a second."""
_NO_LOGIN = ("unauthorized", "authentication required", "no basic auth credentials", "incorrect username or password")
_MISSING = ("not found", "manifest unknown", "does not exist", "name unknown")


async def pull(daemon: Daemon, name: str, credentials: Credentials | None) -> AsyncIterator[PullProgress]:
    """Pull an image of a checked name, and tell how far it is.

    Raises:
        NotFound: no registry has it. EngineFailed: it cannot be had.
    """
    layers = Layers(name)
    yield layers.progress
    said_at, clock = 0.0, asyncio.get_running_loop().time
    headers = {"X-Registry-Auth": credentials.header()} if credentials else {}
    # By the tag: without one, the daemon would pull all that there are.
    request = daemon.docker._query(
        "images/create",
        "POST",
        params={"fromImage": full_name(name)},
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None),
    )
    try:
        async with request as response:
            async for step in json_stream_stream(response):
                if layers.note(step) and clock() - said_at >= _STEP_S:
                    said_at = clock()
                    yield layers.progress
    except DockerError as error:
        raise why_not(name, error.message.strip(), error.status, credentials) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise daemon.explained(error, f"pull the image {name}") from error
    yield layers.progress


class Layers:
    """The layers of one pull."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sizes: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()
        self._known: set[str] = set()

    @property
    def progress(self) -> PullProgress:
        done, total = (sum(numbers) for numbers in zip((0, 0), *self._sizes.values(), strict=True))
        return PullProgress(self._name, len(self._known), len(self._done), done, total)

    def note(self, step: Mapping[str, Any]) -> bool:
        """Take in a line of the daemon's; whether it says something new."""
        status, layer = str(step.get("status", "")), str(step.get("id", ""))
        detail = step.get("progressDetail") or {}
        if status == "Pulling fs layer":
            self._known.add(layer)
        elif status == "Downloading" and detail.get("total"):
            self._sizes[layer] = (detail["current"], detail["total"])
        elif status in ("Download complete", "Verifying Checksum") and layer in self._sizes:
            total = self._sizes[layer][1]
            self._sizes[layer] = (total, total)
        elif status in ("Pull complete", "Already exists"):
            self._known.add(layer)
            self._done.add(layer)
        else:
            return status == "Extracting"
        return True


def why_not(name: str, said: str, status: int, credentials: Credentials | None) -> SshoreError:
    """A daemon's refusal to pull, with what to do next."""
    words = said.lower()
    registry = registry_of(name)
    if any(word in words for word in _NO_LOGIN) or ("denied" in words and credentials):
        return EngineFailed(_wants_login(name, registry, credentials), code=Code.REGISTRY_LOGIN, registry=registry)
    if "no matching manifest" in words:
        return EngineFailed(f"there is no image {name!r} for this kind of machine: {said}")
    if status == 404 or any(word in words for word in _MISSING) or "denied" in words:
        # A registry does not tell a stranger that there is an image it would not give.
        return NotFound(
            f"there is no image {name!r}: see its spelling; for a private one, an administrator logs in with: "
            f"sshore image login {registry} ({said})"
        )
    if "server gave http response to https client" in words:
        return EngineFailed(
            f"the registry {registry} has no TLS: the daemon's administrator can name it in `insecure-registries` of "
            "/etc/docker/daemon.json"
        )
    return EngineFailed(f"the image {name!r} cannot be pulled: {said}")


def _wants_login(name: str, registry: str, credentials: Credentials | None) -> str:
    if credentials is None:
        return (
            f"the registry {registry} wants a login for the image {name!r}: an administrator gives it one with: "
            f"sshore image login {registry} --user USER"
        )
    return (
        f"the registry {registry} does not give the image {name!r} to {credentials.username or 'the login'} that "
        f"{credentials.where} holds: renew the login, with: sshore image login {registry} --user USER"
    )
