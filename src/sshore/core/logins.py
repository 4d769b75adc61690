"""The login shell: which one logins get, and the script that stands before it where sshd cannot run it as it is.

wanted (the owner's setting) ─▶ where the session has it, else the default
    in /usr or the image           the account's entry names it, and sshd runs it
    in the home or a folder        the account's entry names the script: sshd lets nobody in whose shell is gone
    variables that sshd cannot set        likewise: the script sets them
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sshore.core import layout
from sshore.core.errors import InvalidInput
from sshore.core.sessions import SessionSpec

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}")
_MOST_DIRECTORIES = 16
_LET_NOBODY_IN = frozenset({"nologin", "false", "true", "sync", "halt", "shutdown", "reboot", "poweroff"})
"""What passwd(5) has for accounts that are nobody's to log in to; they end at once, whatever is asked of them."""
_DIRECTORIES = frozenset({layout.HOME, "/bin", "/sbin", "/usr", "/etc", "/tmp", "/home", *layout.PATH.split(":")})
_PATH = re.compile(r"(?:/[A-Za-z0-9._+@-]{1,100}){1,20}")


@dataclass(frozen=True, slots=True)
class LoginShell:
    """`shell` is what logins get, and what `SHELL` says; `script` is what the account's entry names before it, empty
    where it names the shell itself."""

    shell: str
    script: str = ""

    @property
    def entry(self) -> str:
        """The account's shell, as passwd(5) has it."""
        return layout.LOGIN_SHELL if self.script else self.shell


def check_shell(value: str) -> str:
    """A login shell by its name or its place.

    Raises:
        InvalidInput: it can be none, or is known to let nobody in.
    """
    place = _PATH.fullmatch(value) and len(value) <= 250 and not {".", ".."} & set(value.split("/"))
    if not (place or _NAME.fullmatch(value)):
        raise InvalidInput(
            f"{value!r} is no shell: give its name, such as zsh, or its place in sessions, such as "
            "/home/work/.local/bin/fish",
            field="value",
        )
    if value in _DIRECTORIES or _lets_nobody_in(value):
        kind = "is a directory" if value in _DIRECTORIES else "lets nobody in"
        raise InvalidInput(f"{value!r} {kind}: choose a shell such as bash, zsh or fish", field="value")
    return value


def shell_places(wanted: str, path: str = layout.PATH) -> list[str]:
    """Where a wanted shell may be, the best first; none where nothing is wanted that lets anybody in."""
    if not wanted or _lets_nobody_in(wanted):  # it was set when that was not looked at
        return []
    if wanted.startswith("/"):
        return [wanted]
    directories = [*path.split(":")[:_MOST_DIRECTORIES], *layout.PATH.split(":")]
    return [f"{place}/{wanted}" for place in dict.fromkeys(directories) if place.startswith("/")]


def login_shell(spec: SessionSpec, found: str, default: str) -> LoginShell:
    """The login shell of a session; `found` is where the wanted one is, empty where it is not."""
    own = spec.shell if is_in_own_place(spec) else ""
    shell = own or found or default
    return LoginShell(shell, _script([shell, default]) if own or spec.late_variables else "")


def is_in_own_place(spec: SessionSpec) -> bool:
    """Whether the wanted shell lies in the home or a folder, which are there only when the session runs."""
    places = [layout.HOME, *(mount.target for mount in spec.mounts)]
    is_place = spec.shell.startswith("/") and not _lets_nobody_in(spec.shell)
    return is_place and any(PurePosixPath(spec.shell).is_relative_to(place) for place in places)


def _lets_nobody_in(shell: str) -> bool:
    return shell.rpartition("/")[2] in _LET_NOBODY_IN


def _script(shells: Sequence[str]) -> str:
    # Bytes: what the environment is encoded in depends on a locale that the kit may not have.
    return f"""\
#!{layout.KIT_PYTHON} -IS
# The account's login shell: sets what sshd could not, and becomes the shell.
import _signal
import json
import os
import sys

# Python ignores these, and what is ignored stays so across execve(2).
_signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
_signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
with open("{layout.AGENT_CONFIG}", encoding="utf-8") as file:
    for name, value in json.load(file)["environment"].items():
        os.environb.setdefault(name.encode(), value.encode())
for shell in {list(dict.fromkeys(shells))!r}:
    os.environ["SHELL"] = shell
    name = shell.rpartition("/")[2]
    # The kernel drops a script's argv[0] (execve(2)), by which login shells are known: they are those without words.
    words = [name, *sys.argv[1:]] if sys.argv[1:] else ["-" + name]
    try:
        os.execv(shell, words)
    except OSError as error:
        sys.stderr.write(f"{{shell}}: {{error.strerror}}\\n")
sys.exit(127)
"""
