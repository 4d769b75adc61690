"""User files, which are placed in each new home of their owner; and the owner's bootstrap script."""

import re
from dataclasses import dataclass
from datetime import datetime

from sshore.core import layout
from sshore.core.errors import InvalidInput
from sshore.core.ids import UserId

MAX_FILES = 64
MAX_FILE_BYTES = 256 << 10
MAX_SCRIPT_BYTES = 256 << 10
MAX_DEPTH = 8
_COMPONENT = re.compile(r"[A-Za-z0-9._+@][A-Za-z0-9._+@ -]{0,99}")
_RESERVED = (layout.KEY_FILE_NAME, layout.HOME_STATE)


@dataclass(frozen=True, slots=True)
class UserFile:
    """A file by its place below the home, such as ``.vimrc`` or ``.config/git/ignore``."""

    owner_id: UserId
    name: str
    content: bytes
    executable: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A user file as it is listed, without what it holds."""

    name: str
    size: int
    executable: bool
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The script that runs in each session when it has started; kept but not run while it is not `enabled`."""

    owner_id: UserId
    script: str
    enabled: bool
    updated_at: datetime


def check_file_name(name: str) -> str:
    """A user file's name: one or a few plain components, with no way out of the home.

    Raises:
        InvalidInput: it is none.
    """
    parts = name.split("/")
    plain = all(_COMPONENT.fullmatch(part) and not part.endswith(" ") and part not in (".", "..") for part in parts)
    if not plain or len(parts) > MAX_DEPTH or len(name) > 255:
        raise InvalidInput(
            f"{name!r} is no name for a user file: give its place below the home, such as .vimrc or .config/git/ignore "
            f"(letters, digits, '.', '_', '-', '+', '@'; at most {MAX_DEPTH} levels)",
            field="name",
        )
    if parts[0] in _RESERVED:
        raise InvalidInput(f"{parts[0]} in the home is the platform's own: choose another name", field="name")
    return name


def check_goes_beside(name: str, others: list[str]) -> None:
    """Refuse a file where another one's directory is, or the other way round.

    Raises:
        InvalidInput: they cannot both be there.
    """
    for other in others:
        if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
            raise InvalidInput(f"{name} cannot be beside your user file {other}: one is a directory", field="name")


def check_content(name: str, content: bytes) -> bytes:
    """Raises InvalidInput when a file is too large."""
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{name} has {len(content)} bytes, and a user file may have {MAX_FILE_BYTES}: "
            "keep larger ones in a folder (sshore folder create)",
            field="content",
        )
    return content


def check_script(script: str) -> str:
    """A bootstrap script: text that a session can run.

    Raises:
        InvalidInput: it is none.
    """
    if not script.strip():
        raise InvalidInput("the script is empty; to have none: sshore bootstrap rm", field="script")
    if len(script.encode(errors="replace")) > MAX_SCRIPT_BYTES:
        raise InvalidInput(f"the script has more than {MAX_SCRIPT_BYTES >> 10} KiB", field="script")
    if "\0" in script or any("\ud800" <= char <= "\udfff" for char in script):
        raise InvalidInput(
            "the script is no text: a program goes into a folder, and the script calls it", field="script"
        )
    if script.startswith("#!") and script.split("\n", 1)[0].endswith("\r"):
        raise InvalidInput(
            "the script has Windows line ends, with which no shell runs it: save it with LF (dos2unix)", field="script"
        )
    return script
