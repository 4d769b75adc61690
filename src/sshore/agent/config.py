"""What the agent is told, in a file that the server writes (`sshore.core.run_files.agent_config`)."""

import json
from typing import Any, NamedTuple

DEFAULT_PATH = "/run/sshore/agent.json"


class ConfigError(ValueError):
    """The file is not what the server writes."""


class AppConfig(NamedTuple):
    """An app to launch at once; `ssh` has neither command nor port."""

    name: str
    command: tuple[str, ...] = ()
    port: int | None = None


class AgentConfig(NamedTuple):
    """Who the agent is and where its gateway is: the path of a Unix socket, or ``host:port``.

    The places are those of `sshore.core.layout`, which the agent does not carry.
    """

    session: str
    token: str
    gateway: str
    apps: tuple[AppConfig, ...] = ()
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed
    home: str = "/home/work"
    kit_bin: str = "/opt/sshore/bin"
    sshd_config: str = "/run/sshore/sshd_config"
    authorized_keys: str = "/run/sshore/authorized_keys"
    bootstrap: str = ""
    """A script to run when the session is in touch; empty for none."""
    entrypoint: tuple[str, ...] = ()
    """The image's own command, to run beside it in `working_dir`; empty for none."""
    working_dir: str = ""
    shell: str = ""
    """The login shell that the owner wishes, by its name or place; empty for the session's own choice."""
    notes: tuple[str, ...] = ()
    """What the owner should know from the start on."""


def read_config(path: str) -> AgentConfig:
    """Read the file.

    Raises:
        ConfigError: it is not what the server writes.
        OSError: it cannot be read.
    """
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs a megabyte
        text = file.read()
    try:
        document = json.loads(text)
        apps = tuple(read_app(app) for app in document.pop("apps", ()))
        # A newer server may say more than this agent knows.
        known = {key: value for key, value in document.items() if key in AgentConfig._fields}
        return AgentConfig(**known, apps=apps)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def read_app(document: dict[str, Any]) -> AppConfig:
    """Read an app's name, command and port, as the configuration and `app.start` have them.

    Raises:
        ConfigError: one of them is malformed.
    """
    name, command, port = document.get("name"), document.get("command") or (), document.get("port")
    if not isinstance(name, str) or not name:
        raise ConfigError("an app needs a name")
    if not isinstance(command, (list, tuple)) or not all(
        isinstance(word, str) and "\0" not in word for word in command
    ):
        raise ConfigError(f"the command of {name} is not a list of words")
    if port is not None and (not isinstance(port, int) or not 1 <= port <= 65535):
        raise ConfigError(f"the port of {name} is not a number from 1 to 65535")
    return AppConfig(name, tuple(command), port)
