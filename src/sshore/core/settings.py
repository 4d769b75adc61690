"""The user settings: one table of names, meanings, defaults and checks."""

from collections.abc import Callable
from dataclasses import dataclass

from sshore.core.activity import check_span
from sshore.core.choices import KeyType, Network
from sshore.core.errors import InvalidInput, NotFound
from sshore.core.folders import parse_mount
from sshore.core.logins import check_shell
from sshore.core.names import NEVER, parse_bytes, parse_duration_or_never, suggestion
from sshore.core.sessions import Mount, Resources

PREFERRED_SSH_PORT = "preferred-ssh-port"
KEY_TYPE = "key-type"
LANGUAGE = "language"
ENGINE = "engine"
CPUS = "cpus"
MEMORY = "memory"
NETWORK = "network"
MOUNTS = "mounts"
IDLE_TIMEOUT = "idle-timeout"
SHELL = "shell"

ALL_FOLDERS = "all"
"""The value of `MOUNTS` that means every folder of the user's own."""

RECOMMENDED_PORTS = range(10000, 65001)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting; an empty value means the default."""

    name: str
    title: str
    default: str
    check: Callable[[str], str]
    choices: tuple[str, ...] = ()
    """Values that come to mind first; there may be others."""


def _check_port(value: str) -> str:
    parse_port(value)
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in choices:
            raise InvalidInput(f"{value!r} is not one of {', '.join(choices)}", field="value")
        return value

    return check


def read_cpus(value: str) -> float | None:
    """Raises InvalidInput when it is no number of CPUs; empty is no limit."""
    try:
        return Resources(cpus=float(value)).cpus if value else None
    except ValueError:
        raise InvalidInput(f"{value!r} is no number of CPUs: give one such as 0.5 or 2", field="value") from None


def read_memory(value: str) -> int | None:
    """Raises InvalidInput when it is no size of memory; empty is no limit."""
    return Resources(memory_bytes=parse_bytes(value)).memory_bytes if value else None


def read_mounts(value: str) -> tuple[Mount, ...]:
    """Raises InvalidInput when they are no mounts, with commas between them; not for `ALL_FOLDERS`."""
    return tuple(parse_mount(part.strip()) for part in value.split(",") if part.strip())


def read_idle_timeout(value: str) -> float | None:
    """Seconds; None is never. Raises InvalidInput when it is no duration."""
    return check_span(parse_duration_or_never(value), "value")


def _readable(read: Callable[[str], object], *words: str) -> Callable[[str], str]:
    """What `read` can read, or one of the words."""

    def check(value: str) -> str:
        if value not in words:
            read(value)
        return value

    return check


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(PREFERRED_SSH_PORT, "Local port that SSH / SFTP gets first", "", _check_port),
        Setting(KEY_TYPE, "Type of new session and folder keys", KeyType.ED25519, _one_of(*KeyType), tuple(KeyType)),
        Setting(LANGUAGE, "Language of the console", "en", _one_of("en", "ko"), ("en", "ko")),
        Setting(ENGINE, "Engine of new sessions; empty is the server's first", "", str),
        Setting(CPUS, "CPUs of new sessions; empty is no limit", "", _readable(read_cpus)),
        Setting(MEMORY, "Memory of new sessions, such as 4g; empty is no limit", "", _readable(read_memory)),
        Setting(NETWORK, "Network of new sessions", Network.NAT, _one_of(*Network), tuple(Network)),
        Setting(
            MOUNTS, "Folders of new sessions: FOLDER[:PATH][:ro],… or: all", "", _readable(read_mounts, ALL_FOLDERS)
        ),
        Setting(IDLE_TIMEOUT, "New sessions stop when idle for so long", NEVER, _readable(read_idle_timeout)),
        Setting(
            SHELL,
            "Login shell of sessions, from their next start; empty is bash, else sh",
            "",
            check_shell,
            ("bash", "zsh", "fish", "tcsh", "ksh"),
        ),
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
        raise NotFound(f"there is no setting {name!r}{suggestion(name, list(SETTINGS)) or '; see: sshore settings ls'}")
    return SETTINGS[name]


def check_setting(name: str, value: str) -> str:
    """The value to store; an empty one resets the setting.

    Raises:
        NotFound: there is no such setting.
        InvalidInput: it cannot have this value.
    """
    setting = find_setting(name)
    return setting.check(value) if value else ""
