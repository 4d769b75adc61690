"""An image's ``ENV``: what of it logins can have; pure functions."""

from collections.abc import Iterable, Mapping
from typing import Any

_OURS = ("HOME", "USER", "LOGNAME", "SHELL", "MAIL", "PWD", "TERM", "HOSTNAME")
"""Variables that tell of another account than the session's."""
_LONGEST = (128 << 10) - 1
"""Bytes of a variable with its name (execve(2), MAX_ARG_STRLEN); one of them more, and no program starts."""
_MOST = 1 << 20
"""Bytes of them all, of the 2 MiB that a program's arguments and variables may have (execve(2))."""


def image_words(inspected: Mapping[str, Any]) -> list[str]:
    """An image's ``ENV``, as it is."""
    return list((inspected.get("Config") or {}).get("Env") or ())


def login_variables(words: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The variables that logins have, and why others are left out, as phrases by name. What tells of another account
    is silently left out; so are words without ``=``, which are no variables to the daemon, either."""
    variables = dict(word.partition("=")[::2] for word in words if "=" in word)
    ours = {name: value for name, value in variables.items() if name not in _OURS and not name.startswith("SSHORE_")}
    left_out = {name: why for name, value in ours.items() if (why := _why_not(name, value))}
    kept = {name: value for name, value in ours.items() if name not in left_out}
    for name in sorted(kept, key=lambda name: -len(kept[name].encode())):
        if sum(len(f"{other}={value}".encode()) for other, value in kept.items()) <= _MOST:
            break
        left_out[name] = f"all of them have more than {_MOST >> 20} MiB, and it is the longest"
        del kept[name]
    return kept, left_out


def _why_not(name: str, value: str) -> str:
    word = f"{name}={value}"
    if not name:
        return "it has no name"
    if "\0" in word or any("\ud800" <= char <= "\udfff" for char in word):
        return "it is no text"
    return "it is longer than 128 KiB, the most that Linux gives a program" if len(word.encode()) > _LONGEST else ""
