"""Where the socket lies by which a second `ssh` shares the first one's connection (ssh_config(5), ControlPath)."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_BYTES = 60
"""Of 103 that a Unix socket's path has (macOS): a directory's name follows, and what ssh appends until it listens."""
_PLAIN = re.compile(r"[\w./+,@-]+", re.ASCII)
"""ssh splits an option at blanks, takes quotes off it and expands %."""


@contextmanager
def control_directory() -> Iterator[str | None]:
    """A directory of its own, removed at the end; None where there is no place for one."""
    directory = next(
        filter(None, map(_made_in, (tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR"), "/tmp"))), None
    )
    try:
        yield directory
    finally:
        if directory:
            shutil.rmtree(directory, ignore_errors=True)


def _made_in(place: str | None) -> str | None:
    if not place or len(os.fsencode(place)) > _MOST_BYTES or not _PLAIN.fullmatch(place):
        return None
    try:
        return tempfile.mkdtemp(prefix="sshore-", dir=place)
    except OSError:
        return None
