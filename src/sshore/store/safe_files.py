"""Writing where a session's user could have planted a symlink.

A server running as root writes into directories that belong to a session's user. Every path component
below such a directory is opened relative to its parent and never followed when it is a link
(open(2), ``O_NOFOLLOW``); a file is always made new (``O_EXCL``) and moved into place.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """A directory's descriptor; its last component must not be a link."""
    descriptor = os.open(path, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int, uid: int | None) -> bool:
    """Make a directory with exactly this mode, owned by `uid` (None: by us); whether it is new."""
    try:
        path.mkdir(mode=0o700)
        new = True
    except FileExistsError:
        new = False
    with open_directory(path) as descriptor:
        if uid is not None:
            os.fchown(descriptor, uid, uid)
        os.fchmod(descriptor, mode)
    return new


def write_file(directory: int, name: str, data: bytes, mode: int, uid: int | None) -> None:
    """Put a file into an open directory, in one step for whoever reads it; replaces what has its name. A directory of
    that name, which may hold anything, is moved to ``NAME.old-1`` or the next that is free."""
    aside = f".{name}.sshore-new"
    for taken in (aside, name):
        _move_directory_away(directory, taken)
    with suppress(FileNotFoundError):
        os.unlink(aside, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(aside, flags, 0o600, dir_fd=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if uid is not None:
                os.fchown(file.fileno(), uid, uid)
            os.fchmod(file.fileno(), mode)
        os.rename(aside, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.unlink(aside, dir_fd=directory)
        raise


def _move_directory_away(directory: int, name: str) -> None:
    if not stat.S_ISDIR(_mode_in(directory, name)):
        return
    free = next(new for new in (f"{name}.old-{n}" for n in count(1)) if not _mode_in(directory, new))
    os.rename(name, free, src_dir_fd=directory, dst_dir_fd=directory)


def _mode_in(directory: int, name: str) -> int:
    """What kind of thing a name is; 0 for none."""
    try:
        return os.lstat(name, dir_fd=directory).st_mode
    except FileNotFoundError:
        return 0


def write_file_below(directory: int, name: str, data: bytes, mode: int, uid: int | None) -> None:
    """As `write_file`, for a name with several components; makes the directories that are missing (0700)."""
    first, slash, rest = name.partition("/")
    if not slash:
        write_file(directory, first, data, mode, uid)
        return
    with suppress(FileExistsError):
        os.mkdir(first, 0o700, dir_fd=directory)
        if uid is not None:
            os.chown(first, uid, uid, dir_fd=directory, follow_symlinks=False)
    descriptor = os.open(first, _DIRECTORY, dir_fd=directory)
    try:
        write_file_below(descriptor, rest, data, mode, uid)
    finally:
        os.close(descriptor)


def read_file_below(directory: Path, name: str, tail_bytes: int) -> bytes | None:
    """The end of a plain file below a directory, both of one owner; None when that is not what is there."""
    *parents, last = name.split("/")
    try:
        with ExitStack() as stack:
            descriptor = stack.enter_context(open_directory(directory))
            owner = os.fstat(descriptor).st_uid
            for parent in parents:
                descriptor = os.open(parent, _DIRECTORY, dir_fd=descriptor)
                stack.callback(os.close, descriptor)
            # Opening a pipe would wait for its other end without O_NONBLOCK.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            file = stack.enter_context(os.fdopen(os.open(last, flags, dir_fd=descriptor), "rb"))
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != owner:
                return None
            file.seek(max(status.st_size - tail_bytes, 0))
            return file.read(tail_bytes)
    except OSError:
        return None
