"""The user settings: one table of names, meanings, defaults and checks."""

from collections.abc import Callable
from dataclasses import dataclass

from sshore.core.errors import InvalidInput, NotFound
from sshore.core.names import suggestion
from sshore.core.sessions import KeyType

PREFERRED_SSH_PORT = "preferred-ssh-port"
KEY_TYPE = "key-type"
LANGUAGE = "language"

RECOMMENDED_PORTS = range(10000, 65001)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting; an empty value means the default."""

    name: str
    title: str
    default: str
    check: Callable[[str], str]


def _check_port(value: str) -> str:
    parse_port(value)
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise InvalidInput(f"{value!r} is not one of {', '.join(choices)}", field="value")
        return value

    return check


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(PREFERRED_SSH_PORT, "Local port that SSH / SFTP gets first", "", _check_port),
        Setting(KEY_TYPE, "Type of new session keys", KeyType.ED25519, _one_of(*KeyType)),
        Setting(LANGUAGE, "Language of the console", "en", _one_of("en", "ko")),
    )
}


def parse_port(text: str) -> int:
    """Read a TCP port.

    Raises:
        InvalidInput: it is not a number from 1 to 65535.
    """
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= 65535:
        raise InvalidInput(f"{text!r} is no port: give a number from 1 to 65535 (10000 to 65000 is best)", field="port")
    return port


def port_warning(port: int) -> str:
    """Why a port is a poor choice; empty when it is a good one."""
    if port in RECOMMENDED_PORTS:
        return ""
    return f"port {port} lies outside {RECOMMENDED_PORTS.start}-{RECOMMENDED_PORTS.stop - 1}, where other programs live"


def find_setting(name: str) -> Setting:
    """Look a setting up.

    Raises:
        NotFound: there is none of that name.
    """
    if name not in SETTINGS:
        raise NotFound(f"there is no setting {name!r}{suggestion(name, list(SETTINGS))}")
    return SETTINGS[name]


def check_setting(name: str, value: str) -> str:
    """The value to store; an empty one resets the setting.

    Raises:
        NotFound: there is no such setting.
        InvalidInput: it cannot have this value.
    """
    setting = find_setting(name)
    return setting.check(value) if value else ""
