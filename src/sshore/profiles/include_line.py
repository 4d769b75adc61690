"""The one line in the user's own ssh_config. Bytes in, bytes out: what the user wrote stays as it is."""

import os
import re
from collections.abc import Collection

from sshore.profiles.ssh_config import quoted

_BLOCK = re.compile(rb"^[ \t]*(host|match)\b", re.IGNORECASE | re.MULTILINE)
_PATTERN = re.compile(r"[*?\[\\]")


STYLES = 5
"""Ways to write a path down, one of which any OpenSSH reads; for most paths they are the same."""


def include_word(path: str, style: int = 0, *, hidden: bool = False) -> str:
    """A file as the word of ``Include``: the name is a pattern (glob(7)), newer versions replace tokens in it, and
    older ones know no backslash within quotes. Always quoted, so that the line can be told from one of the user's own.
    `hidden`: readers that know no backslash in a pattern find no such file."""
    pattern = _PATTERN.sub(lambda found: "\\" + found[0], path)
    pattern = f"{pattern[:-1]}\\{pattern[-1]}" if hidden else pattern
    doubled = pattern.replace("%", "%%")
    return (f'"{pattern}"', quoted(pattern), quoted(doubled), f'"{doubled}"', f'"{path}"')[style]


def include_line(word: str) -> bytes:
    return os.fsencode(f"Include {word}")


def has_include(content: bytes, line: bytes) -> bool:
    """Whether the line is there and counts, which it does only before the first ``Host`` or ``Match``."""
    block = _BLOCK.search(content)
    before = content[: block.start()] if block else content
    return line in (found.strip() for found in before.splitlines())


def add_include(content: bytes, line: bytes, older: Collection[bytes] = ()) -> bytes:
    """The file with the line first, in the place of `older` ones; unchanged when it has it already."""
    if has_include(content, line):
        return content
    end = b"\r\n" if b"\r\n" in content else b"\n"
    return line + end + remove_include(content, [line, *older])


def remove_include(content: bytes, lines: Collection[bytes]) -> bytes:
    """The file without the lines, otherwise byte for byte as it is."""
    return b"".join(found for found in content.splitlines(keepends=True) if found.strip() not in lines)
