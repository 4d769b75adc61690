"""`DockerImageStore`: the port `core.ports.ImageStore` on the Docker Engine API."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiodocker import DockerError
from aiodocker.containers import DockerContainer

from sshore.core.errors import Conflict, EngineFailed, Forbidden, NotFound
from sshore.core.ids import UserId
from sshore.core.images import CommittedImage, Image, PullProgress, RegistryLogin, is_image_id, registry_of
from sshore.core.sessions import Session
from sshore.engines.docker.committing import committed_config
from sshore.engines.docker.container import DEPLOYMENT_LABEL, SESSION_LABEL
from sshore.engines.docker.daemon import Daemon
from sshore.engines.docker.images import Images, check_architecture, digest_of, runs_here
from sshore.engines.docker.options import DockerOptions
from sshore.engines.docker.own_images import (
    BASE_LABEL,
    COMMITTED_LABEL,
    OWNER_LABEL,
    base_bytes,
    committed_image,
    is_own_tag,
    own_tag,
    read_own_tag,
)
from sshore.engines.docker.pulling import pull
from sshore.engines.docker.registries import Registries
from sshore.wire.problems import Code

log = logging.getLogger("sshore.docker")

_NONE = "<none>"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR = 2000


class DockerImageStore:
    """The daemon's images, as users may know of them."""

    def __init__(
        self, daemon: Daemon, images: Images, registries: Registries, options: DockerOptions, deployment: str
    ) -> None:
        self._daemon = daemon
        self._images = images
        self._registries = registries
        self._options = options
        self._deployment = deployment
        self._architectures: dict[str, str] = {}
        self._commits = 0
        self._pruning = asyncio.Lock()

    @property
    def patterns(self) -> Sequence[str]:
        return self._options.images

    async def find(self, name: str, owner_id: UserId) -> Image | None:
        found = await self._images.find(name, owner_id)
        if found is None:
            return None
        own = await self._images.is_own(name, owner_id)
        return self._image(name, found, owner_id if own else None, found.get("Architecture") or "")

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        self._options.check_image(name)
        if is_own_tag(name) or is_image_id(name):
            raise NotFound(f"no registry has {name!r}: pull an image by its name")
        async for step in pull(self._daemon, name, await self._registries.credentials(registry_of(name))):
            yield step
        found = await self._images.inspect(name)
        if found is None:
            raise NotFound(f"the image {name!r} is gone again right after it was pulled: try again")
        check_architecture(name, found)

    async def commit(self, session: Session, name: str, *, pause: bool) -> Image:
        self._check_that_it_is_allowed()
        tag = own_tag(self._deployment, session.owner_id, name)
        container = await self._container(session)
        shown = await self._show(container, session)
        original = await self._images.inspect(shown["Image"])
        if original is None:
            raise EngineFailed(f"the image that {session.name!r} was started from is gone: start the session anew")
        config = committed_config(shown, original, self._deployment, session.owner_id)
        async with self._unpruned():
            await self._commit(container, session, tag, config, pause=pause)
        await self._prune()
        found = await self._images.inspect(tag)
        if found is None:
            raise NotFound(f"the image {name!r} is gone again right after it was made: try again")
        return self._image(name, found, session.owner_id, found.get("Architecture") or "")

    def _check_that_it_is_allowed(self) -> None:
        if not self._options.commit:
            raise Forbidden("the administrator does not let sessions be kept as images here (SSHORE_DOCKER_COMMIT=0)")

    async def size_of_commit(self, session: Session) -> int:
        self._check_that_it_is_allowed()
        container = await self._container(session)
        shown = await self._show(container, session, size="true")
        original = await self._images.inspect(shown["Image"]) or {}
        size_bytes, labels = int(original.get("Size") or 0), (original.get("Config") or {}).get("Labels") or {}
        return int(shown.get("SizeRw") or 0) + size_bytes - base_bytes(self._deployment, size_bytes, labels)

    async def committed(self, owner_id: UserId) -> Sequence[CommittedImage]:
        found = await self._committed(owner_id)
        if not all(image.names for image in found):
            await self._prune()
            found = await self._committed(owner_id)
        return found

    async def _committed(self, owner_id: UserId) -> Sequence[CommittedImage]:
        label = f"{COMMITTED_LABEL}={self._deployment}"
        with self._daemon.errors("list a user's images"):
            listed = await self._daemon.docker.images.list(filters={"label": [label]})
        found = (committed_image(self._deployment, owner_id, entry) for entry in listed)
        return sorted((image for image in found if image), key=lambda image: (not image.names, image.names))

    async def remove(self, image: Image) -> None:
        name = own_tag(self._deployment, image.owner_id, image.name) if image.owner_id else image.name
        with self._daemon.errors(f"remove the image {image.name}"):
            try:
                await self._daemon.docker.images.delete(name)
            except DockerError as error:
                if error.status == 404:
                    raise NotFound(f"the image {image.name!r} is gone already") from error
                if error.status != 409:
                    raise
                raise Conflict(
                    f"the image {image.name!r} is in use: remove the sessions that were made from it first "
                    f"({error.message.strip()})"
                ) from error
        await self._prune()

    async def log_in(self, registry: str, username: str, password: str) -> None:
        await self._registries.log_in(registry, username, password)

    async def log_out(self, registry: str) -> bool:
        return await self._registries.log_out(registry)

    async def logins(self) -> list[RegistryLogin]:
        return await self._registries.logins()

    async def list(self) -> list[Image]:
        with self._daemon.errors("list its images"):
            listed = await self._daemon.docker.images.list()
        images = [image for entry in listed for image in await self._named(entry)]
        return sorted(images, key=lambda image: (image.owner_id or "", image.name))

    async def _named(self, entry: Mapping[str, Any]) -> "Sequence[Image]":
        """An image by each of its names; without one, by its digest at a registry, and else not at all."""
        tags = [tag for tag in entry.get("RepoTags") or () if not tag.startswith(_NONE)]
        names = tags or [name for name in entry.get("RepoDigests") or () if not name.startswith(_NONE)]
        architecture = await self._architecture(entry["Id"]) if names else ""
        images = []
        for name in names:
            owner_id, own = read_own_tag(self._deployment, name) or (None, name)
            if owner_id or not is_own_tag(name):  # what other servers' users have committed is theirs
                images.append(self._image(own, entry, owner_id, architecture))
        return images

    def _image(self, name: str, shown: Mapping[str, Any], owner_id: UserId | None, architecture: str) -> Image:
        return Image(
            name=name,
            id=shown["Id"],
            digest=digest_of(shown.get("RepoDigests") or (), name),
            size_bytes=int(shown.get("Size") or 0),
            architecture=architecture,
            runs_here=runs_here(architecture),
            allowed=owner_id is not None or self._options.allows(name),
            created_at=_time(shown.get("Created")),
            owner_id=owner_id,
        )

    async def _architecture(self, image_id: str) -> str:
        if image_id not in self._architectures:
            shown = await self._images.inspect(image_id) or {}
            self._architectures[image_id] = shown.get("Architecture") or ""
        return self._architectures[image_id]

    async def _container(self, session: Session) -> DockerContainer:
        labels = (f"{SESSION_LABEL}={session.id}", f"{DEPLOYMENT_LABEL}={self._deployment}")
        for container in await self._daemon.containers(*labels):
            if container["State"] != "created":
                return container
        raise Conflict(
            f"nothing is left of what the session {session.name!r} was: start it, make the changes, and commit then",
            code=Code.WRONG_STATE,
        )

    async def _show(self, container: DockerContainer, session: Session, **how: str) -> dict[str, Any]:
        with self._daemon.errors(f"look at the session {session.name}"):
            return await container.show(**how)

    async def _commit(
        self, container: DockerContainer, session: Session, tag: str, config: dict[str, Any], *, pause: bool
    ) -> None:
        repository, _, version = tag.rpartition(":")
        params = {
            "container": container.id,
            "repo": repository,
            "tag": version,
            "pause": "1" if pause else "0",
            "comment": f"sshore commit {session.name}",
            # Podman takes no labels from the body.
            "changes": "\n".join(
                f"LABEL {name}={config['Labels'][name]}" for name in (COMMITTED_LABEL, OWNER_LABEL, BASE_LABEL)
            ),
        }
        with self._daemon.errors(f"keep the session {session.name} as an image"):
            try:
                # As long as it takes: the daemon reads all that has changed.
                await self._daemon.docker._query_json(
                    "commit", "POST", params=params, data=config, timeout=aiohttp.ClientTimeout(total=None)
                )
            except DockerError as error:
                if "max depth" not in error.message:
                    raise
                raise EngineFailed(
                    f"the session {session.name!r} cannot be committed: its image has as many layers as Docker stacks. "
                    "Make the changes in a session of an image that fewer commits lie under"
                ) from error

    async def _prune(self) -> None:
        """Remove committed images that have lost their names to newer ones, as far as no session was made of them. What
        cannot be removed now, because the daemon is at it already, goes the next time."""
        async with self._pruning:
            if self._commits == 0:  # else the last of them does it
                await self._prune_now()

    @asynccontextmanager
    async def _unpruned(self) -> AsyncIterator[None]:
        """For a commit: its image has no name at first, and a prune would take it away."""
        async with self._pruning:
            self._commits += 1
        try:
            yield
        finally:
            self._commits -= 1

    async def _prune_now(self) -> None:
        filters = {"dangling": ["true"], "label": [f"{COMMITTED_LABEL}={self._deployment}"]}
        try:
            await self._daemon.docker._query_json("images/prune", "POST", params={"filters": json.dumps(filters)})
        except (DockerError, aiohttp.ClientError, TimeoutError) as error:
            log.info("images without a name stay for now", extra={"reason": str(error)})


def _time(created: Any) -> datetime | None:
    """When an image was made: the list has seconds, `inspect` RFC 3339 with nanoseconds, of which Python takes six
    digits. Images that are built to be the same each time say the year 1 or 1970."""
    try:
        time = _EPOCH + timedelta(seconds=created) if isinstance(created, int) else _parsed(str(created))
    except (ValueError, OverflowError):
        return None
    return time if time.year > _FIRST_YEAR else None


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
