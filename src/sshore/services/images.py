"""Images as users know them: which there are, pulls, commits; logins at registries, for admins."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from sshore.core.allowances import Allowance
from sshore.core.choices import Role
from sshore.core.errors import Conflict, Forbidden, InvalidInput, NotFound, QuotaExceeded, Unavailable
from sshore.core.ids import UserId
from sshore.core.images import (
    CommittedImage,
    Image,
    PullProgress,
    RegistryLogin,
    check_image_name,
    check_own_name,
    check_registry,
    full_name,
)
from sshore.core.names import format_bytes, suggestion
from sshore.core.ports import ImageStore, Store
from sshore.core.sessions import Session
from sshore.core.users import User
from sshore.services.people.accounts import require_admin
from sshore.services.people.allowances import Allowances
from sshore.services.pulls import Pulls
from sshore.wire.problems import Code

log = logging.getLogger("sshore.images")

_MORE = "an administrator can allow you more (sshore user allow)"
_SHOWN = 10
_LONGEST_PASSWORD = 16 << 10
"""Tokens of cloud registries have some kilobytes."""


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image as one user sees it. `owner` is the name of who committed it; `sessions`: how many of the user's own use
    it."""

    image: Image
    engine: str
    owner: str
    ref: str
    sessions: int


@dataclass(frozen=True, slots=True)
class _Commit:
    """One that is under way."""

    owner_id: UserId
    name: str
    written_bytes: int


class ImageService:
    """The images of the engines that have some: today there is at most one such engine."""

    def __init__(
        self, store: Store, image_stores: Mapping[str, ImageStore], allowances: Allowances, pulls: Pulls
    ) -> None:
        self._store = store
        self._image_stores = image_stores
        self._allowances = allowances
        self._pulls = pulls
        self._under_way: list[_Commit] = []

    @property
    def engines(self) -> Sequence[str]:
        """The engines that have images."""
        return [*self._image_stores]

    @property
    def patterns(self) -> Sequence[str]:
        """The administrator's, of the images that users may name; all when empty."""
        return [pattern for images in self._image_stores.values() for pattern in images.patterns]

    async def list(self, caller: User) -> "Sequence[ListedImage]":
        """What the caller may use; for admins all, with those that others have committed."""
        names = {user.id: user.name for user in await self._store.users.list()}
        sessions = await self._store.sessions.list(caller.id)
        found = []
        for engine, images in self._image_stores.items():
            mine = [session for session in sessions if session.engine == engine]
            for image in await images.list():
                if _sees(caller, image):
                    owner = names.get(image.owner_id, image.owner_id) if image.owner_id else ""
                    ref = image.name if image.owner_id in (None, caller.id) else f"{owner}/{image.name}"
                    found.append(ListedImage(image, engine, owner, ref, sum(_uses(it, image) for it in mine)))
        return found

    async def pull(self, caller: User, name: str) -> AsyncGenerator[PullProgress, None]:
        """Get an image, or its newest version, from its registry; tells how far it is, and ends when it is here.

        Raises:
            InvalidInput: there is no engine for it, or this is no name. Forbidden: the administrator's patterns leave
            it out. NotFound: no registry has it. EngineFailed: it cannot be had, or does not run here.
            QuotaExceeded: as many pulls of the caller's run as may (``allowance_exceeded``).
        """
        images = self._first()
        check_image_name(name)
        async with self._pulls.one(caller, name), aclosing(images.pull(name)) as steps:
            async for step in steps:
                yield step

    async def commit(self, owner: User, session: Session, name: str, *, pause: bool) -> ListedImage:
        """Keep what a session has changed as an image of its owner's.

        Raises:
            InvalidInput: the engine has no images, or this is no name for one. Conflict: there is an image of this name
            that is everybody's; or nothing is left of the session's last run. Forbidden: it is not allowed here.
            QuotaExceeded: the owner keeps as many or as much as may be (``allowance_exceeded``).
        """
        images = self._image_stores.get(session.engine)
        if images is None:
            raise InvalidInput(
                f"the session {session.name!r} runs on the {session.engine} engine, which has no images: what is to "
                "last belongs into its home or a folder; sessions with --engine docker can be committed"
            )
        own_name = check_own_name(name)
        found = await images.find(own_name, owner.id)
        if found and found.owner_id is None:
            raise Conflict(f"there is an image {own_name!r} already, which is not yours: choose another name")
        async with self._within_allowance(owner, session, images, own_name):
            image = await images.commit(session, own_name, pause=pause)
        sessions = await self._store.sessions.list(owner.id)
        return ListedImage(image, session.engine, owner.name, image.name, sum(_uses(it, image) for it in sessions))

    async def committed(self, owner: User) -> "Sequence[CommittedImage]":
        """What a user has committed, with versions that sessions still need. Raises SshoreError."""
        return [image for images in self._image_stores.values() for image in await images.committed(owner.id)]

    def pulls_of(self, user: User) -> "Sequence[str]":
        """The images that are being pulled for a user."""
        return self._pulls.of(user.id)

    @asynccontextmanager
    async def _within_allowance(
        self, owner: User, session: Session, images: ImageStore, own_name: str
    ) -> AsyncIterator[None]:
        """Let a commit be; others of the owner's that are under way count as done."""
        allowance = await self._allowances.of(owner)
        written = 0 if allowance.image_bytes is None else await images.size_of_commit(session)
        earlier = [*self._under_way]
        kept = [] if allowance.images is allowance.image_bytes is None else await self.committed(owner)
        others = {it.names[0] if it.names else it.id: it for it in kept if own_name not in it.names}
        for it in {*earlier, *self._under_way}:  # one that ends meanwhile is in either, or in what is kept
            if it.owner_id == owner.id and it.name != own_name:
                before = others.get(it.name)
                most = max(it.written_bytes, before.written_bytes if before else 0)
                others[it.name] = CommittedImage(it.name, (it.name,), most)
        _check(allowance, [*others.values()], written)
        mine = _Commit(owner.id, own_name, written)
        self._under_way.append(mine)
        try:
            yield
        finally:
            self._under_way.remove(mine)

    async def remove(self, caller: User, ref: str) -> ListedImage:
        """Remove an image of the caller's own; for admins any, others' as ``OWNER/NAME``, or by its id.

        Raises:
            NotFound: the caller knows of none. Forbidden: it is everybody's, and the caller no admin.
            Conflict: it is in use.
        """
        listed = await self._find(caller, ref)
        if listed.image.owner_id != caller.id and caller.role is not Role.ADMIN:
            raise Forbidden(f"the image {ref!r} is everybody's: only admins can remove it")
        await self._image_stores[listed.engine].remove(listed.image)
        return listed

    async def remove_all(self, owner: User) -> None:
        """Remove what a user has committed, when the user goes. Those that are still in use stay, and all where the
        engine does not answer: they are an admin's to remove."""
        for engine, images in self._image_stores.items():
            try:
                for image in await images.list():
                    if image.owner_id == owner.id:
                        await _remove_if_unused(images, image)
                await images.committed(owner.id)  # what has lost its name goes, too
            except Unavailable as error:
                log.warning("images of a removed user stay", extra={"engine": engine, "reason": error.problem.detail})

    async def log_in(self, caller: User, registry: str, username: str, password: str) -> RegistryLogin:
        """Have the server show this login to a registry, for everybody's pulls.

        Raises:
            Forbidden: the caller is no admin. InvalidInput: it is no registry, or something is empty.
            EngineFailed: the registry does not accept it (``registry_login``).
        """
        require_admin(caller)
        host = check_registry(registry)
        if not username or not password or len(username) > 255 or len(password) > _LONGEST_PASSWORD:
            raise InvalidInput("a login at a registry has a user name and a password, or a token in its place")
        await self._first().log_in(host, username, password)
        return RegistryLogin(host, username, "sshore")

    async def log_out(self, caller: User, registry: str) -> None:
        """Raises Forbidden: the caller is no admin. NotFound: the server keeps no login for this registry."""
        require_admin(caller)
        host = check_registry(registry)
        if not await self._first().log_out(host):
            raise NotFound(f"this server keeps no login for the registry {host}; see: sshore image logins")

    async def logins(self, caller: User) -> "Sequence[RegistryLogin]":
        """Raises Forbidden: the caller is no admin."""
        require_admin(caller)
        return [login for images in self._image_stores.values() for login in await images.logins()]

    async def _find(self, caller: User, ref: str) -> ListedImage:
        listed = await self.list(caller)
        wanted = (ref, full_name(ref))
        found = [it for it in listed if it.ref in wanted]
        by_id = [it for it in listed if _is_id(ref, it.image)]
        if len(found) > 1:
            raise Conflict(f"there are {len(found)} images {ref!r}: say which by its id; see: sshore image ls --json")
        if found or by_id:
            return (found or by_id)[0]
        hint = suggestion(ref, [it.ref for it in listed]) or "; see: sshore image ls"
        raise NotFound(f"there is no image {ref!r}{hint}")

    def _first(self) -> ImageStore:
        """Raises InvalidInput when no engine of this server has images."""
        for images in self._image_stores.values():
            return images
        raise InvalidInput("no engine of this server has images: the administrator can add docker; see docs/docker.md")


def _check(allowance: Allowance, others: Sequence[CommittedImage], written_bytes: int) -> None:
    titles = ", ".join(f"{it.title} ({format_bytes(it.written_bytes)})" for it in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    have = f"you have {titles}{more}: remove one (sshore image rm IMAGE), or " if others else ""
    if allowance.images is not None and len(others) >= allowance.images:
        raise QuotaExceeded(
            f"your allowance of images is {allowance.images}; {have}{_MORE}",
            code=Code.ALLOWANCE_EXCEEDED,
            allowance="images",
            most=allowance.images,
            used=len(others),
        )
    used = sum(it.written_bytes for it in others)
    if allowance.image_bytes is not None and used + written_bytes > allowance.image_bytes:
        raise QuotaExceeded(
            f"the commit has {format_bytes(written_bytes)} to keep, and your allowance of image-bytes is "
            f"{format_bytes(allowance.image_bytes)}; {have}{_MORE}",
            code=Code.ALLOWANCE_EXCEEDED,
            allowance="image-bytes",
            most=allowance.image_bytes,
            used=used,
        )


async def _remove_if_unused(images: ImageStore, image: Image) -> None:
    try:
        await images.remove(image)
    except (Conflict, NotFound):
        return


def _sees(user: User, image: Image) -> bool:
    if user.role is Role.ADMIN:
        return True
    return image.owner_id == user.id or (image.owner_id is None and image.allowed)


def _uses(session: Session, image: Image) -> bool:
    """Whether a session was made from an image: by this name, or from just these contents."""
    return full_name(session.image) == full_name(image.name) or session.image_id == image.id


def _is_id(ref: str, image: Image) -> bool:
    bare = ref.removeprefix("sha256:")
    return len(bare) >= 12 and image.id.removeprefix("sha256:").startswith(bare)
