"""What an administrator sets for the docker engine."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sshore.core.allowed import Allowed
from sshore.core.errors import Forbidden, InvalidInput
from sshore.core.images import full_name

DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """`host` is the daemon's socket, and `configured` whether somebody said so; `images` are patterns (fnmatch(3)) of
    the images that users may name, all when empty; `host_network` and `root`: whose sessions may have them."""

    host: str = DEFAULT_HOST
    configured: bool = False
    images: tuple[str, ...] = ()
    host_network: Allowed = Allowed.NONE
    root: Allowed = Allowed.NONE
    commit: bool = True
    """Whether users may keep sessions as images."""
    docker_config: Path | None = None
    """The docker command line's config.json, with its logins at registries."""

    @property
    def socket(self) -> Path:
        """Raises InvalidInput when `host` is no Unix socket."""
        scheme, _, path = self.host.rpartition("://")
        if scheme not in ("", "unix") or not path.startswith("/"):
            raise InvalidInput(
                f"the docker engine cannot use {self.host}: sessions have directories of this machine mounted, so the "
                f"daemon must be here, too; set SSHORE_DOCKER_HOST to its socket, such as {DEFAULT_HOST}"
            )
        return Path(path)

    def allows(self, image: str) -> bool:
        """Whether users may name this image; ``debian`` means ``debian:latest`` here, too."""
        names = (image, full_name(image))
        return not self.images or any(_matches(name, pattern) for name in names for pattern in self.images)

    def check_image(self, image: str) -> None:
        """Raises Forbidden when users may not name this image."""
        if not self.allows(image):
            raise Forbidden(f"the image {image!r} is not among those allowed here: {', '.join(self.images)}")


def _matches(name: str, pattern: str) -> bool:
    """``debian*`` means no image of a registry ``debian.example.org``: what is before the first slash matches alone."""
    if pattern == "*":
        return True
    first, slash, _ = name.partition("/")
    wanted, wanted_slash, _ = pattern.partition("/")
    return slash == wanted_slash and fnmatchcase(first, wanted) and fnmatchcase(name, pattern)
