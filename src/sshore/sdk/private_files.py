"""A user's own files: mode 0600 in directories of mode 0700, written aside and renamed."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from sshore.core.errors import Unavailable
from sshore.wire.problems import Code

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_private(path: Path, content: str | bytes, mode: int = 0o600, *, durable: bool = False) -> None:
    """Replace a file as a whole: a reader sees the old content or the new; so does, where it is `durable`,
    whoever starts the machine after a power cut.

    Raises:
        Unavailable: the disk is full (``storage_full``); the old content is still there.
        OSError: it cannot be written for another reason.
    """
    make_private_directory(path.parent)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write_new(aside, content.encode() if isinstance(content, str) else content, mode, durable)
        aside.replace(path)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError) and error.errno in _FULL:
            raise Unavailable(f"the disk is full: {path} cannot be written", code=Code.STORAGE_FULL) from error
        if isinstance(error, OSError):  # about the file that the caller knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def make_private_directory(directory: Path) -> None:
    """Make a directory that only its owner may enter; one that exists is left as it is."""
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write_new(path: Path, content: bytes, mode: int, durable: bool) -> None:
    # The mode is given at creation: there is no moment at which others could read the file.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
