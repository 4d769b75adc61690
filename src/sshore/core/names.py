"""Names, sizes and durations as people type them."""

import re
from difflib import get_close_matches

from sshore.core.errors import InvalidInput
from sshore.core.hosts import FOLDER_PREFIX as FOLDER_PREFIX
from sshore.core.hosts import HOST_SUFFIX as HOST_SUFFIX
from sshore.core.hosts import session_of_host as session_of_host

MAX_NAME_LENGTH = 40
_SESSION_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_USER_NAME = re.compile(r"[a-z_][a-z0-9_.-]*")
_FOLDER_NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._ -]*")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.IGNORECASE)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
NEVER = "never"
MAX_DURATION_S = 10 * 365 * 86400.0
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def check_session_name(name: str) -> str:
    """A session's name is a DNS label, because it becomes the host name ``NAME.sshore``.

    Raises:
        InvalidInput: it is not.
    """
    if len(name) > MAX_NAME_LENGTH or not _SESSION_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no session name: use 1 to {MAX_NAME_LENGTH} of a-z, 0-9 and -, "
            "beginning and ending with a letter or digit",
            field="name",
        )
    return name


def check_user_name(name: str) -> str:
    """A user's name is a POSIX account name.

    Raises:
        InvalidInput: it is not.
    """
    return _check_account_name(name, "user")


def check_group_name(name: str) -> str:
    """A group's name is made of what a user's is.

    Raises:
        InvalidInput: it is not.
    """
    return _check_account_name(name, "group")


def _check_account_name(name: str, of: str) -> str:
    if len(name) > MAX_NAME_LENGTH or not _USER_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no {of} name: use 1 to {MAX_NAME_LENGTH} of a-z, 0-9, _, . and -, "
            "beginning with a letter or _",
            field="name",
        )
    return name


def check_folder_name(name: str) -> str:
    """A folder's name is one path component; one that starts with a dot is a user folder.

    Raises:
        InvalidInput: it is not.
    """
    if len(name) > 100 or name in (".", "..") or not _FOLDER_NAME.fullmatch(name) or name.endswith(" "):
        raise InvalidInput(
            f"{name!r} is no folder name: use 1 to 100 letters, digits, '.', '_', '-' and inner spaces",
            field="name",
        )
    return name


def parse_bytes(text: str) -> int:
    """Read a size such as ``512m``, ``4g`` or ``1.5GiB`` (binary units); a bare number is bytes.

    Raises:
        InvalidInput: it is none, or it is zero.
    """
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * _FACTORS[match[2].lower()]) if match else 0
    if size <= 0:
        raise InvalidInput(f"{text!r} is no size: write a number and a unit, such as 512m or 4g")
    return size


def format_bytes(size: int) -> str:
    """A size for people: ``4 GiB``, ``1.5 MiB``, ``17 B``."""
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def parse_duration(text: str) -> float:
    """Read a duration such as ``90s``, ``30m``, ``8h`` or ``2d``, in seconds.

    Raises:
        InvalidInput: it is none, it is zero, or it is longer than ten years.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2].lower()] if match else 0
    if not 0 < seconds <= MAX_DURATION_S:
        raise InvalidInput(f"{text!r} is no duration: write a number and a unit, such as 90s, 30m, 8h or 2d")
    return seconds


def parse_duration_or_never(text: str) -> float:
    """As `parse_duration`; ``never`` and ``none`` are 0."""
    return 0 if text.strip().lower() in (NEVER, "none", "0") else parse_duration(text)


def format_duration(seconds: float) -> str:
    """A duration for people, in at most two units, rounded down: ``45s``, ``1h 30m``, ``2d``."""
    left = int(seconds)
    parts = []
    for unit, length in _SECONDS.items():
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return " ".join(parts) or "0s"


def suggestion(wanted: str, known: list[str]) -> str:
    """A phrase such as ``; did you mean demo?``, or nothing."""
    close = get_close_matches(wanted, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""
