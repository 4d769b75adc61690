"""Which of a client's locale variables sshd takes: a locale that is not there is worse than none.

Programs in a session run with ``C.UTF-8``. With ``LC_TIME=ko_KR.UTF-8`` where nobody has made that locale, setlocale(3)
fails as a whole: warnings by bash and Perl, and question marks for every letter outside ASCII. sshd sees names only
(AcceptEnv), so the client's end tells the values with the stream, as far as its user's environment has them.
"""

import os

from sshore.wire.upgrades import LOCALE_NAMES, is_locale_value

_EVERYWHERE = ("C", "POSIX", "C.utf8", "POSIX.utf8")
_MAGIC = 0xDE020109
_NAMES_OFFSET, _NAMES_BYTES = slice(20, 24), slice(24, 28)
_MOST_NAMES_BYTES = 1 << 20


def welcome_names(told: str, root: str = "/") -> str:
    """The patterns for ``AcceptEnv``; `told` is what `locale_words` of the client says, empty from older clients."""
    if not told:
        return ""
    pairs = (word.partition("=") for word in told.split(" "))
    absent = {name for name, _, value in pairs if name in LOCALE_NAMES and not exists(value, root)}
    return " ".join(name for name in LOCALE_NAMES if name not in absent) if absent else "LC_*"


def exists(value: str, root: str = "/") -> bool:
    """Whether the session's libc knows a locale: musl takes any name, glibc has them in an archive or directories."""
    name = _normal(value)
    if name in _EVERYWHERE:
        return True
    if not is_locale_value(value):
        return False
    return _is_musl(root) or name in _made(f"{root}usr/lib/locale")


def _is_musl(root: str) -> bool:
    """Whether programs here are made with musl; a machine with glibc may have both loaders (musl-tools)."""
    if not os.path.exists(f"{root}lib/ld-musl-{os.uname().machine}.so.1"):  # noqa: PTH110 - pathlib costs a megabyte
        return False
    return not any(name.startswith("ld-linux") for place in ("lib", "lib64") for name in _names(f"{root}{place}"))


def _made(place: str) -> set[str]:
    names = _names(place)
    if "locale-archive" in names:
        names += _archived(f"{place}/locale-archive")
    return set(map(_normal, names))


def _names(place: str) -> list[str]:
    try:
        return os.listdir(place)  # noqa: PTH208 - pathlib costs a megabyte
    except OSError:
        return []


def _archived(path: str) -> list[str]:
    """The names in an archive (glibc, locale/locarchive.h: the head says where they are, each ends with a zero)."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs a megabyte
            head = file.read(32)
            if int.from_bytes(head[:4], "little") != _MAGIC:
                return []
            file.seek(int.from_bytes(head[_NAMES_OFFSET], "little"))
            size = min(int.from_bytes(head[_NAMES_BYTES], "little"), _MOST_NAMES_BYTES)
            return file.read(size).decode("ascii", "replace").split("\0")
    except OSError:
        return []


def _normal(name: str) -> str:
    """With the codeset as glibc calls it: ``UTF-8`` is ``utf8``."""
    language, dot, rest = name.partition(".")
    codeset, at, modifier = rest.partition("@")
    return f"{language}{dot}{codeset.replace('-', '').lower()}{at}{modifier}"
