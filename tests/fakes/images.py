"""An image store in memory that keeps `core.ports.ImageStore`'s promises."""

import dataclasses
import hashlib
from collections.abc import AsyncGenerator, Sequence

from sshore.core.errors import Conflict, EngineFailed, Forbidden, NotFound, Unavailable
from sshore.core.ids import UserId
from sshore.core.images import CommittedImage, Image, PullProgress, RegistryLogin, full_name
from sshore.core.sessions import Session
from sshore.wire.problems import Code


class FakeImageStore:
    """`registry` are the images that can be pulled, `in_use` names that cannot be removed, `accepted` passwords."""

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self.patterns = patterns
        self.images: list[Image] = []
        self.registry: set[str] = set()
        self.in_use: set[str] = set()
        self.size_of_commits = 1000
        self.is_down = False
        self.accepted: set[str] = set()
        self._logins: dict[str, RegistryLogin] = {}

    async def find(self, name: str, owner_id: UserId) -> Image | None:
        mine = [image for image in self.images if image.name == full_name(name) and image.owner_id == owner_id]
        all_ = [image for image in self.images if image.name == full_name(name) and image.owner_id is None]
        return next(iter([*mine, *all_]), None)

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        if self.patterns and name not in self.patterns:
            raise Forbidden(f"the image {name!r} is not among those allowed here")
        yield PullProgress(name)
        if name not in self.registry:
            raise NotFound(f"there is no image {name!r}")
        yield PullProgress(name, 1, 1, 10, 10)
        self.images.append(image(full_name(name)))

    async def commit(self, session: Session, name: str, *, pause: bool) -> Image:
        made = dataclasses.replace(image(name), owner_id=session.owner_id, size_bytes=self.size_of_commits)
        self.images = [it for it in self.images if (it.name, it.owner_id) != (name, session.owner_id)]
        self.images.append(made)
        return made

    async def size_of_commit(self, session: Session) -> int:
        return self.size_of_commits

    async def committed(self, owner_id: UserId) -> Sequence[CommittedImage]:
        return [CommittedImage(it.id, (it.name,), it.size_bytes) for it in self.images if it.owner_id == owner_id]

    async def remove(self, image: Image) -> None:
        if image.name in self.in_use:
            raise Conflict(f"the image {image.name!r} is in use")
        self.images.remove(image)

    async def log_in(self, registry: str, username: str, password: str) -> None:
        if password not in self.accepted:
            raise EngineFailed("it does not accept it", code=Code.REGISTRY_LOGIN)
        self._logins[registry] = RegistryLogin(registry, username, "sshore")

    async def log_out(self, registry: str) -> bool:
        return self._logins.pop(registry, None) is not None

    async def logins(self) -> list[RegistryLogin]:
        return [*self._logins.values()]

    async def list(self) -> list[Image]:
        if self.is_down:
            raise Unavailable("the engine does not answer")
        return [*self.images]


def image(name: str, *, allowed: bool = True) -> Image:
    """An image for this machine."""
    return Image(
        name, f"sha256:{hashlib.sha256(name.encode()).hexdigest()}", "", 1000, "amd64", runs_here=True, allowed=allowed
    )
