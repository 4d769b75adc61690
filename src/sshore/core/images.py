"""Images: how they are named, what is known of one, how far a pull is."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sshore.core.errors import InvalidInput
from sshore.core.ids import UserId
from sshore.core.names import format_bytes

DOCKER_HUB = "docker.io"
"""The registry of names that say none."""

_HOST = r"(?:localhost|(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+|[A-Za-z0-9-]+(?=:)|\[[0-9a-f:]+\])(?::\d{1,5})?"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_NAME = re.compile(rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PATH})(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?")
_ID = re.compile(r"sha256:[0-9a-f]{12,64}")
_REGISTRY = re.compile(_HOST)
_LONGEST = 150


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is here, by one of its names.

    `id` stands for its contents on this machine, `digest` (``debian@sha256:…``) for those at its registry; empty where
    it has none. `owner_id`: who has committed it, and alone may use it.
    """

    name: str
    id: str
    digest: str
    size_bytes: int
    architecture: str
    runs_here: bool
    allowed: bool
    """Whether the administrator's patterns allow it."""
    created_at: datetime | None = None
    owner_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class CommittedImage:
    """An image that a user has committed: `names` are the owner's for it (none when a newer one has taken its name),
    `written_bytes` is what this commit and those under it have added."""

    id: str
    names: tuple[str, ...]
    written_bytes: int

    @property
    def title(self) -> str:
        return ", ".join(self.names) or f"an older {short_id(self.id)}"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is. The totals grow while it finds out what there is to do. `waits_for`: why it has not begun."""

    image: str
    layers: int = 0
    layers_done: int = 0
    done_bytes: int = 0
    total_bytes: int = 0
    waits_for: str = ""

    @property
    def phrase(self) -> str:
        if self.waits_for:
            return f"waits to pull the image {self.image}: {self.waits_for}"
        so_far = f"{format_bytes(self.done_bytes)} of {format_bytes(self.total_bytes)}" if self.total_bytes else ""
        layers = f"{self.layers_done} of {self.layers} layers" if self.layers else ""
        return f"pulls the image {self.image}" + (f": {so_far}" if so_far else "") + (f", {layers}" if layers else "")


Progress = Callable[[PullProgress], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """What the server shows a registry; `source` is who said so."""

    registry: str
    username: str
    source: Literal["sshore", "docker"]


def check_image_name(name: str) -> str:
    """A name of an image, with or without registry, tag and digest, or an image's id with its ``sha256:``.

    Raises:
        InvalidInput: it is none.
    """
    if len(name) > 400 or not (_NAME.fullmatch(name) or _ID.fullmatch(name)):
        raise InvalidInput(
            f"{name!r} is no name of an image: write one such as debian:12, ghcr.io/us/tool:1.2 or debian@sha256:…",
            field="image",
        )
    return name


def check_own_name(name: str) -> str:
    """A name for a committed image, with its tag: ``mybox`` is ``mybox:latest``.

    Raises:
        InvalidInput: it is none; it names a registry or a digest.
    """
    if not is_own_name(name):
        raise InvalidInput(
            f"{name!r} is no name for an image of your own: use a-z, 0-9, '.', '_', '-' and '/', and a tag after a "
            f"colon, such as mybox:2, at most {_LONGEST} in all; it stays on this server, so it names no registry",
            field="image",
        )
    return full_name(name)


def is_own_name(name: str) -> bool:
    """Whether a committed image can have this name."""
    match = _NAME.fullmatch(name)
    return (
        match is not None
        and not match["host"]
        and not match["digest"]
        and len(name) <= _LONGEST
        and not is_image_id(name)
    )


def is_image_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None


def full_name(name: str) -> str:
    """A name with the tag that it has unsaid."""
    match = _NAME.fullmatch(name)
    return f"{name}:latest" if match and not match["tag"] and not match["digest"] else name


def short_id(image_id: str) -> str:
    """As docker shows it: the first twelve digits."""
    return image_id.removeprefix("sha256:")[:12]


def registry_of(name: str) -> str:
    """The registry that has an image of this name."""
    match = _NAME.fullmatch(name)
    return (match and match["host"]) or DOCKER_HUB


def check_registry(registry: str) -> str:
    """A registry's host, and port if need be.

    Raises:
        InvalidInput: it is none.
    """
    bare = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    if bare in ("index.docker.io/v1", "index.docker.io", "registry-1.docker.io"):
        return DOCKER_HUB
    if len(bare) > 255 or not _REGISTRY.fullmatch(bare):
        raise InvalidInput(
            f"{registry!r} is no registry: give its host, such as ghcr.io or registry.example.org:5000",
            field="registry",
        )
    return bare
