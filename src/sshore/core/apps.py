"""Apps: programs launched in a session on demand, each reached by streams."""

import re
from dataclasses import dataclass

from sshore.core.errors import InvalidInput

SSH = "ssh"
CHECK = "check"
"""Checksums of files, beside SSH and for as long as that is launched; no entry of the catalogue."""
_APP_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class AppStatus:
    """An app of a session, as its agent reports it. `connections` counts open streams."""

    name: str
    title: str
    launched: bool
    connections: int = 0


@dataclass(frozen=True, slots=True)
class App:
    """An entry of the catalogue.

    ``ssh`` is built into the agent and runs `sshd -i` for each stream. Any other app has a command
    that the agent starts once, and a TCP port on the session's own loopback that its streams go to.
    """

    name: str
    title: str
    command: tuple[str, ...] = ()
    port: int | None = None


CATALOGUE: dict[str, App] = {
    SSH: App(SSH, "SSH / SFTP"),
}


def check_app_name(name: str) -> str:
    """An app's name: a short lower-case word.

    Raises:
        InvalidInput: it is not.
    """
    if not _APP_NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no app name: use a-z, 0-9 and -", field="app")
    return name


def title_of(name: str) -> str:
    return CATALOGUE[name].title if name in CATALOGUE else name
