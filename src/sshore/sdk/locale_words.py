"""Which locale the user's environment asks for, told with a stream: `ssh` may send it along (SendEnv LC_*), and the
session takes only what exists there. Imports nothing: `ssh` waits."""

from sshore.wire.upgrades import LOCALE_NAMES, is_locale_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def locale_words(environment: "Mapping[str, str]") -> str:
    """``LC_TIME=ko_KR.UTF-8 …``; a value that is none of a locale's is told as ``?``, which exists nowhere."""
    told = ((name, environment.get(name, "")) for name in LOCALE_NAMES)
    return " ".join(f"{name}={value if is_locale_value(value) else '?'}" for name, value in told if value) or "-"
