"""Images: which there are, commits, logins at registries."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ImageMessage:
    """An image that is here. `ref` is how the caller calls it; one with an `owner` was committed, and is that user's
    alone. `digest` is empty for one that no registry has; `sessions` are those of the caller's that use it."""

    name: str
    ref: str
    id: str
    digest: str
    size_bytes: int
    architecture: str
    runs_here: bool
    allowed: bool
    created_at: str | None = None
    owner: str = ""
    sessions: int = 0
    engine: str = ""


@dataclass(frozen=True, slots=True)
class ImagesMessage:
    """The images that the caller may name, and the patterns of those that may be pulled; all when there are none."""

    engines: list[str]
    allowed: list[str] = field(default_factory=list)
    images: list[ImageMessage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PullImage:
    image: str


@dataclass(frozen=True, slots=True)
class CommitSession:
    """`pause`: the session's processes stand still meanwhile."""

    image: str
    pause: bool = True


@dataclass(frozen=True, slots=True)
class RegistryMessage:
    """A login that the server shows a registry, from its own logins (``sshore``) or the docker command line's."""

    registry: str
    username: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class RegistryLoginRequest:
    username: str
    password: str
