"""Images: there or pulled; which variables, accounts and shells they have."""

import platform
import tarfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from sshore.core.errors import EngineFailed, NotFound, SshoreError
from sshore.core.names import format_bytes
from sshore.engines.docker.archives import text_of
from sshore.engines.docker.daemon import Daemon
from sshore.engines.docker.shell import NO_SHELL

Progress = Callable[[str], Awaitable[None]]
"""Is told how far a pull is, as a phrase."""

_SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh", "/bin/ash", "/busybox/sh")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_OURS = ("HOME", "USER", "LOGNAME", "SHELL", "MAIL", "PWD", "TERM", "HOSTNAME")
"""Variables that tell of another account than the session's."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is here. `id` is its digest; the texts are of the files of that name, empty without them."""

    id: str
    environment: Mapping[str, str] = field(default_factory=dict)
    passwd: str = ""
    group: str = ""
    profile: str = ""
    shell: str = "/bin/sh"
    has_etc: bool = True


class Images:
    """The daemon's images. What is found out of one is remembered by its digest, which stands for its contents."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._known: dict[str, Image] = {}

    async def fetch(self, name: str, progress: Progress) -> dict[str, str]:
        """The variables of an image, which is pulled where it is not here.

        Raises:
            NotFound: no registry has it. EngineFailed: it cannot be pulled, or is for other machines.
        """
        found = await self._inspect(name)
        if found is None:
            await self._pull(name, progress)
            found = await self._inspect(name)
        if found is None:
            raise NotFound(f"the image {name!r} is gone again right after it was pulled: try again")
        _check_architecture(name, found)
        return login_variables(found)

    async def look_into(self, name: str, labels: Mapping[str, str]) -> Image:
        """What a container of an image needs to know of it; looks into it where it is not yet known, by a container
        with these labels.

        Raises:
            NotFound: it is not here (any more).
        """
        found = await self._inspect(name)
        if found is None:
            raise NotFound(f"the image {name!r} is not here any more: `sshore start` pulls it again")
        digest = found["Id"]
        if digest not in self._known:
            self._known[digest] = await self._look(digest, all_variables(found), labels)
        return self._known[digest]

    async def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            return await self._daemon.docker.images.inspect(name)
        except DockerError as error:
            if error.status in (400, 404):
                return None
            raise self._daemon.explained(error, f"look for the image {name}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._daemon.explained(error, f"look for the image {name}") from error

    async def _pull(self, name: str, progress: Progress) -> None:
        layers: dict[str, tuple[int, int]] = {}
        await progress(f"pulls the image {name}")
        try:
            async for step in self._daemon.docker.images.pull(name, stream=True):
                detail = step.get("progressDetail") or {}
                if step.get("status") == "Downloading" and detail.get("total"):
                    layers[step["id"]] = (detail["current"], detail["total"])
                    await progress(_so_far(name, layers))
        except DockerError as error:
            raise _why_not_pulled(name, error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._daemon.explained(error, f"pull the image {name}") from error

    async def _look(self, digest: str, environment: dict[str, str], labels: Mapping[str, str]) -> Image:
        """By a container that never runs: only in one can files of an image be read."""
        config: dict[str, Any] = {"Image": digest, "Entrypoint": ["/none"], "Cmd": [], "Labels": dict(labels)}
        with self._daemon.errors("look into the image"):
            container = await self._daemon.docker.containers.create(config)
            try:
                return Image(
                    digest,
                    environment,
                    passwd=await _text(container, "/etc/passwd"),
                    group=await _text(container, "/etc/group"),
                    profile=await _text(container, "/etc/profile"),
                    shell=await _shell(container),
                    has_etc=await _file(container, "/etc/.") is not None,
                )
            finally:
                await self._daemon.remove(container.id)


def all_variables(inspected: Mapping[str, Any]) -> dict[str, str]:
    """An image's ``ENV``, as it is."""
    words = (word.partition("=") for word in (inspected.get("Config") or {}).get("Env") or ())
    return {name: value for name, _, value in words}


def login_variables(inspected: Mapping[str, Any]) -> dict[str, str]:
    """An image's ``ENV`` as far as logins can have it: what tells of another account is left out, and what does not fit
    into a line."""
    variables = all_variables(inspected)
    return {
        name: value for name, value in variables.items() if name not in _OURS and not set(name + value) & set("\n\r\0")
    }


async def _file(container: DockerContainer, path: str) -> tarfile.TarFile | None:
    """A file as an archive; None when there is none."""
    try:
        return await container.get_archive(path)
    except DockerError as error:
        if error.status == 404:
            return None
        raise


async def _text(container: DockerContainer, path: str) -> str:
    archive = await _file(container, path)
    return text_of(archive) if archive else ""


async def _shell(container: DockerContainer) -> str:
    for path in _SHELLS:
        if await _file(container, path) is not None:
            return path
    return NO_SHELL


def _check_architecture(name: str, inspected: Mapping[str, Any]) -> None:
    theirs = inspected.get("Architecture")
    ours = _ARCHITECTURES.get(platform.machine(), platform.machine())
    if theirs and theirs != ours and not (ours == "amd64" and theirs == "386"):
        raise EngineFailed(
            f"the image {name!r} is for {theirs} machines, and this is {ours}: choose an image for {ours}, or one for "
            "several architectures"
        )


def _so_far(name: str, layers: Mapping[str, tuple[int, int]]) -> str:
    done, total = (sum(numbers) for numbers in zip(*layers.values(), strict=True))
    return f"pulls the image {name}: {format_bytes(done)} of {format_bytes(total)}"


def _why_not_pulled(name: str, error: DockerError) -> SshoreError:
    said = error.message.strip()
    if error.status == 404 or any(word in said for word in ("not found", "manifest unknown", "does not exist")):
        return NotFound(f"there is no image {name!r}: see its spelling, and for a private one the login ({said})")
    if "no matching manifest" in said:
        return EngineFailed(f"there is no image {name!r} for this kind of machine: {said}")
    return EngineFailed(f"the image {name!r} cannot be pulled: {said}")
