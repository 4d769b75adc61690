"""User files, which are placed in each new home of their owner; and the owner's bootstrap script."""

import codecs
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
_STARTUP_FILES = frozenset(
    (
        *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".kshrc", ".mkshrc"),
        *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".cshrc", ".tcshrc", ".login", ".logout"),
        *("config.fish", ".xprofile", ".xsession", ".xinitrc"),
    )
)
"""What shells read at a login, by the last part of the name."""
_SHELLS = frozenset(("sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "fish", "csh", "tcsh", "busybox"))
_MARK = "\ufeff"
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
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
    """A user file's content. Scripts and what shells read at a login are looked at; everything else may be anything.

    Raises:
        InvalidInput: it is too large, or a script or startup file that does not work in a session.
    """
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{name} has {len(content)} bytes, and a user file may have {MAX_FILE_BYTES}: "
            "keep larger ones in a folder (sshore folder create)",
            field="content",
        )
    encoding = "utf-16" if content.startswith(_UTF_16_MARKS) else "utf-8"
    text = content.decode(encoding, errors="replace")
    if name.rpartition("/")[2] in _STARTUP_FILES or text.removeprefix(_MARK).startswith("#!"):
        if encoding == "utf-16":
            raise InvalidInput(f"{name} is UTF-16, which no shell reads: save it as UTF-8", field="content")
        _check_lines(name, text, "content")
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
    _check_lines("the script", script, "script")
    return script


def _check_lines(what: str, text: str, field: str) -> None:
    """Refuse what editors on other systems put into texts and no shell or kernel takes out.

    Raises:
        InvalidInput: it begins with a byte-order mark, or its lines end as no shell reads them.
    """
    if text.startswith(_MARK):
        raise InvalidInput(
            f"{what} begins with a byte-order mark, with which its first line is another: save it as UTF-8 without one",
            field=field,
        )
    first, _, rest = text.partition("\n")
    # Other interpreters read such lines well; but no kernel finds one whose name ends in CR.
    if "\r" in first or (_is_read_by_a_shell(first) and "\r\n" in rest):
        raise InvalidInput(
            f"{what} has Windows line ends (CRLF), which shells take for parts of words: save it with LF (dos2unix)",
            field=field,
        )


def _is_read_by_a_shell(first_line: str) -> bool:
    """Whether a shell runs what begins so: it says so, or says nothing (execve(2))."""
    names = {word.rpartition("/")[2] for word in first_line.removeprefix("#!").split()}
    return not first_line.startswith("#!") or bool(names & _SHELLS)
