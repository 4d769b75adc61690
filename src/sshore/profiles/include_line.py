"""The one line in the user's own ssh_config. Bytes in, bytes out: what the user wrote stays as it is."""

import re

_BLOCK = re.compile(rb"^[ \t]*(host|match)\b", re.IGNORECASE | re.MULTILINE)


def include_line(managed_config: str) -> bytes:
    """The line that includes a file; always quoted, so that it can be told from one the user wrote."""
    return f'Include "{managed_config}"'.encode()


def has_include(content: bytes, line: bytes) -> bool:
    """Whether the line is there and counts, which it does only before the first ``Host`` or ``Match``."""
    block = _BLOCK.search(content)
    before = content[: block.start()] if block else content
    return line in (found.strip() for found in before.splitlines())


def add_include(content: bytes, line: bytes) -> bytes:
    """The file with the line first; unchanged when it has it already."""
    if has_include(content, line):
        return content
    end = b"\r\n" if b"\r\n" in content else b"\n"
    return line + end + remove_include(content, line)


def remove_include(content: bytes, line: bytes) -> bytes:
    """The file without the line, otherwise byte for byte as it is."""
    return b"".join(found for found in content.splitlines(keepends=True) if found.strip() != line)
