"""Images: there or pulled; which variables, accounts and shells they have."""

import platform
import posixpath
import tarfile
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from sshore.core import layout
from sshore.core.errors import EngineFailed, NotFound
from sshore.core.ids import UserId
from sshore.core.images import Progress, full_name, is_image_id, registry_of
from sshore.core.logins import LoginShell, is_in_own_place, login_shell, shell_places
from sshore.core.sessions import ImageFacts, SessionSpec
from sshore.engines.docker.archives import pack, text_of
from sshore.engines.docker.daemon import Daemon
from sshore.engines.docker.own_images import is_own_tag, may_use, own_tag
from sshore.engines.docker.pulling import pull
from sshore.engines.docker.registries import Registries
from sshore.engines.docker.shell import NO_SHELL
from sshore.engines.docker.variables import image_words, login_variables

_SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh", "/bin/ash", "/busybox/sh")
_MOST_LINKS = 10
_MOST_SHELLS = 1000
"""What is remembered of them; users think of their names."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True, slots=True)
class ImageContents:
    """An image that is here. `id` is its digest; the texts are of the files of that name, empty without them."""

    id: str
    environment: Mapping[str, str] = field(default_factory=dict)
    left_out: Collection[str] = ()
    """Names in its ``ENV`` that no program of the session's can have."""
    passwd: str = ""
    group: str = ""
    profile: str = ""
    shell: str = "/bin/sh"
    has_etc: bool = True
    volumes: Collection[str] = ()
    """Directories for each of which the daemon makes a volume, and copies into it what the image has there."""


class Images:
    """The daemon's images. What is found out of one is remembered by its digest, which stands for its contents."""

    def __init__(self, daemon: Daemon, registries: Registries, deployment: str) -> None:
        self._daemon = daemon
        self._registries = registries
        self._deployment = deployment
        self._known: dict[str, ImageContents] = {}
        self._shells: dict[tuple[str, str], str] = {}

    async def fetch(self, spec: SessionSpec, progress: Progress) -> ImageFacts:
        """What a session's image says of itself; it is pulled where it is not here.

        Raises:
            NotFound: no registry has it. EngineFailed: it cannot be pulled, or is for other machines.
        """
        name, owner_id = spec.image, spec.owner_id
        found = await self.find(name, owner_id)
        if found is None:
            if is_own_tag(name) or is_image_id(name):
                raise NotFound(f"there is no image {name!r} here; see: sshore image ls")
            async for step in pull(self._daemon, name, await self._registries.credentials(registry_of(name))):
                await progress(step)
            found = await self.find(name, owner_id)
        if found is None:
            raise NotFound(f"the image {name!r} is gone again right after it was pulled: try again")
        check_architecture(name, found)
        return facts(found, name)

    async def look_into(self, spec: SessionSpec, labels: Mapping[str, str]) -> ImageContents:
        """What a container of a session's image needs to know of it; looks into it where it is not yet known, by a
        container with these labels.

        Raises:
            NotFound: it is not here (any more).
        """
        found = await self.inspect(spec.image_id) if spec.image_id else await self.find(spec.image, spec.owner_id)
        if found is None:
            raise NotFound(f"the image {spec.image!r} is not here any more: `sshore start` pulls it again")
        digest = found["Id"]
        if digest not in self._known:
            self._known[digest] = await self._look(digest, found, labels)
        return self._known[digest]

    async def login_shell(self, spec: SessionSpec, image: ImageContents, labels: Mapping[str, str]) -> LoginShell:
        """A session's; looks into the image where one is wanted of which it is not yet known whether it is there."""
        wanted, found = (image.id, spec.shell), ""
        if spec.shell and not is_in_own_place(spec):
            if wanted not in self._shells:
                places = shell_places(spec.shell, image.environment.get("PATH", layout.PATH))
                if len(self._shells) >= _MOST_SHELLS:
                    self._shells.clear()
                async with self._container(image.id, labels) as container:
                    self._shells[wanted] = await _first_program(container, places)
            found = self._shells[wanted]
        return login_shell(spec, found, image.shell)

    async def find(self, name: str, owner_id: UserId | None) -> dict[str, Any] | None:
        """What the daemon shows of the image that an owner means by a name or an id: one of the owner's own, else one
        of everybody's."""
        if owner_id and (tag := own_tag(self._deployment, owner_id, name)) and (found := await self.inspect(tag)):
            return found
        found = None if is_own_tag(name) else await self.inspect(name)
        return found if found and may_use(self._deployment, owner_id, found) else None

    async def is_own(self, name: str, owner_id: UserId | None) -> bool:
        """Whether an owner means one of the own images by a name."""
        tag = own_tag(self._deployment, owner_id, name) if owner_id else ""
        return bool(tag) and await self.inspect(tag) is not None

    async def inspect(self, name: str) -> dict[str, Any] | None:
        """``docker image inspect``; None when there is none."""
        try:
            return await self._daemon.docker.images.inspect(name)
        except DockerError as error:
            if error.status in (400, 404):
                return None
            raise self._daemon.explained(error, f"look for the image {name}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._daemon.explained(error, f"look for the image {name}") from error

    async def _look(self, digest: str, found: Mapping[str, Any], labels: Mapping[str, str]) -> ImageContents:
        said, volumes = facts(found), (found.get("Config") or {}).get("Volumes") or {}
        async with self._container(digest, labels) as container:
            if volumes:
                # Podman 5 copies into volumes when first something is put into the container; before, they are empty.
                await container.put_archive("/", pack([]))  # type: ignore[no-untyped-call]
            return ImageContents(
                digest,
                said.environment,
                said.left_out.keys(),
                passwd=await _text(container, "/etc/passwd"),
                group=await _text(container, "/etc/group"),
                profile=await _text(container, "/etc/profile"),
                shell=await _first_program(container, _SHELLS) or NO_SHELL,
                has_etc=await _file(container, "/etc/.") is not None,
                volumes=[posixpath.normpath(volume) for volume in volumes],
            )

    @asynccontextmanager
    async def _container(self, digest: str, labels: Mapping[str, str]) -> AsyncIterator[DockerContainer]:
        """A container that never runs: only in one can files of an image be read."""
        config: dict[str, Any] = {"Image": digest, "Entrypoint": ["/none"], "Cmd": [], "Labels": dict(labels)}
        with self._daemon.errors("look into the image"):
            container = await self._daemon.docker.containers.create(config)
            try:
                yield container
            finally:
                await self._daemon.remove(container.id)


def facts(inspected: Mapping[str, Any], name: str = "") -> ImageFacts:
    """What an image says of its programs; `name` is how it is called here."""
    config = inspected.get("Config") or {}
    entrypoint = (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))
    environment, left_out = login_variables(image_words(inspected))
    return ImageFacts(
        environment=environment,
        left_out=left_out,
        entrypoint=entrypoint,
        working_dir=config.get("WorkingDir") or "",
        id=inspected.get("Id", ""),
        digest=digest_of(inspected.get("RepoDigests") or (), name),
    )


def digest_of(digests: Sequence[str], name: str) -> str:
    """How an image is called for good, ``debian@sha256:…``: at the registry that it is named after, else at any."""
    repository = full_name(name).partition("@")[0].rpartition(":")[0] or name.partition("@")[0]
    mine = [digest for digest in digests if digest.partition("@")[0] == repository]
    return next(iter([*mine, *digests]), "")


async def _file(container: DockerContainer, path: str) -> tarfile.TarFile | None:
    """A file as an archive, or what a link leads to; None when there is none."""
    for _ in range(_MOST_LINKS):
        try:
            archive = await container.get_archive(path)
        except DockerError as error:
            if error.status == 404:
                return None
            raise
        link = next((member.linkname for member in archive.getmembers()[:1] if member.issym()), "")
        if not link:
            return archive
        path = posixpath.join(posixpath.dirname(path), link)
    return None


async def _text(container: DockerContainer, path: str) -> str:
    archive = await _file(container, path)
    return text_of(archive) if archive else ""


async def _first_program(container: DockerContainer, places: Sequence[str]) -> str:
    for path in places:
        archive = await _file(container, path)
        if archive and any(member.isfile() and member.mode & 0o001 for member in archive.getmembers()):
            return path
    return ""


def runs_here(architecture: str) -> bool:
    """Whether programs of this architecture, in Go's words, run on this machine."""
    ours = _ours()
    return not architecture or architecture == ours or (ours == "amd64" and architecture == "386")


def check_architecture(name: str, inspected: Mapping[str, Any]) -> None:
    """Raises EngineFailed when an image is for other machines."""
    theirs = inspected.get("Architecture") or ""
    if not runs_here(theirs):
        raise EngineFailed(
            f"the image {name!r} is for {theirs} machines, and this is {_ours()}: choose an image for {_ours()}, or "
            "one for several architectures"
        )


def _ours() -> str:
    return _ARCHITECTURES.get(platform.machine(), platform.machine())
