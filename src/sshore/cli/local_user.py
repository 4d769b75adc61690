"""Who runs the command: config directory, server, token."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sshore.core.errors import InvalidInput
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login, read_credentials

if TYPE_CHECKING:
    from sshore.sdk.client import Client


@dataclass(frozen=True, slots=True)
class LocalUser:
    """What the environment says; an empty `server` or `token` means the stored one."""

    config: ConfigDir
    server: str = ""
    token: str = ""

    def login(self) -> Login:
        """The server to use, and the token for it. Raises Unauthenticated when there is none."""
        return read_credentials(self.config.credentials).choose(self.server, self.token)

    def client(self, timeout_s: float = 30) -> "Client":
        """A client of the server. Raises Unauthenticated when the user is not logged in."""
        from sshore.sdk.client import Client  # HTTP and the messages take time to load

        return Client(self.login(), timeout_s)


def user_from_environment(environment: Mapping[str, str]) -> LocalUser:
    """Read ``SSHORE_CONFIG_DIR``, ``SSHORE_SERVER`` and ``SSHORE_TOKEN``.

    Raises:
        Forbidden: others may write the config directory.
    """
    config = ConfigDir(config_root(environment))
    config.check()
    return LocalUser(config, environment.get("SSHORE_SERVER", ""), environment.get("SSHORE_TOKEN", "").strip())


def config_root(environment: Mapping[str, str]) -> Path:
    """Where the config directory is. Raises InvalidInput as `home` does."""
    chosen = environment.get("SSHORE_CONFIG_DIR", "")
    return Path(chosen).absolute() if chosen else _default_config_dir(environment)


def _default_config_dir(environment: Mapping[str, str]) -> Path:
    if sys.platform == "linux":  # what platformdirs would say, without the 20 ms to load it
        chosen = Path(environment.get("XDG_CONFIG_HOME", ""))
        return (chosen if chosen.is_absolute() else home() / ".config") / "sshore"
    import platformdirs

    return platformdirs.user_config_path("sshore", appauthor=False)


def expanded(path: str) -> Path:
    """The path with ``~`` replaced; as it is where nobody has such a name, as shells have it."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def home() -> Path:
    """The user's home: HOME, or what the user database says.

    Raises:
        InvalidInput: there is none, as for an account without an entry in a container.
    """
    try:
        found = Path.home()
    except RuntimeError:
        found = Path()
    if not found.is_absolute():
        raise InvalidInput("this account has no home directory: set HOME, or SSHORE_CONFIG_DIR")
    return found
