"""Names of files: which the other end may give, which this system can have, and how they show."""

import os
import sys

from sshore.core.errors import InvalidInput, SshoreError

_ESCAPED = range(0xDC80, 0xDD00)
"""How Python's `surrogateescape` has the bytes that are no UTF-8."""
_WINDOWS_HAS_NONE = frozenset('<>:"|?*\\')
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


def check_listed(name: bytes) -> bytes:
    """A name as a directory can hold it (path_resolution(7)): whoever joins it to a directory stays in it.

    Raises:
        SshoreError: the other end lists what no directory holds.
    """
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise SshoreError(f"the other end lists {shown(name)!r}, which is no name of a file")
    return name


def local_name(name: bytes) -> str:
    """The same as this system has it.

    Raises:
        InvalidInput: this system can have no such file.
    """
    check_listed(name)
    if sys.platform != "win32":
        return os.fsdecode(name)
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = ""
    if not is_windows_name(text):
        raise InvalidInput(f"Windows has no file of the name {shown(name)!r}")
    return text


def is_windows_name(name: str) -> bool:
    """What Windows would read as a path, a stream or a device, or shorten, is none (learn.microsoft.com, "Naming
    Files, Paths, and Namespaces")."""
    stem = name.partition(".")[0].rstrip().lower()
    unfit = any(char in _WINDOWS_HAS_NONE or ord(char) < 32 for char in name)
    return bool(name) and not unfit and name[-1] not in ". " and stem not in _WINDOWS_DEVICES


def shown(name: bytes | str) -> str:
    """A name for people, on one line: bytes that are no UTF-8 and what does not print are escaped."""
    text = name.decode(errors="surrogateescape") if isinstance(name, bytes) else name
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def bytes_escaped(text: str) -> str:
    """The text with those bytes escaped that are no UTF-8, and nothing else."""
    return "".join(_escape(char) if ord(char) in _ESCAPED else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code - 0xDC00:02x}" if code in _ESCAPED else char.encode("unicode_escape").decode()
