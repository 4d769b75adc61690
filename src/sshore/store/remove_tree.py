"""Removing a tree that its owner may be changing at this moment, and may have made as deep as a disk can hold.

Each name is looked up in an open directory, and no link is followed: a path could lead elsewhere by the time that it
is used. What a directory's directories hold comes to the top first, so that neither the stack nor the number of
descriptors grows with the tree.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

_DIRECTORY = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path) -> None:
    """Remove a directory and all below it, also what its owner made unreadable. Idempotent; blocking."""
    try:
        top = _open(path)
    except FileNotFoundError:
        return
    try:
        while _remove_level(top) or not _remove_empty(path):
            pass
    finally:
        os.close(top)


def _remove_level(top: int) -> bool:
    """Remove what the top holds; what its directories hold takes their place. Whether there were any."""
    directories = _remove_files(top)
    for name in directories:
        with suppress(FileNotFoundError, NotADirectoryError):  # somebody else was faster
            _lift(name, top)
    return bool(directories)


def _lift(name: str, top: int) -> None:
    directory = _open(name, top)
    try:
        for child in _remove_files(directory):
            with suppress(FileNotFoundError):
                _move(child, directory, top)
    finally:
        os.close(directory)
    _remove_empty(name, top)


def _remove_files(directory: int) -> list[str]:
    """Remove everything that is no directory; the names of what is."""
    directories = []
    for name in os.listdir(directory):  # none, where it has been removed: readdir(3) hides the ENOENT
        try:
            os.unlink(name, dir_fd=directory)
        except IsADirectoryError:
            directories.append(name)
        except FileNotFoundError:
            pass
    return directories


def _move(name: str, directory: int, top: int) -> None:
    new_name = f".{uuid4().hex}"
    try:
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=top)
    except PermissionError:  # its ".." changes, for which it must be writable (rename(2))
        os.close(_open(name, directory))
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=top)


def _remove_empty(path: str | Path, directory: int | None = None) -> bool:
    """Whether it is gone; false when something was put into it meanwhile."""
    try:
        os.rmdir(path, dir_fd=directory)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        return False
    return True


def _open(path: str | Path, directory: int | None = None) -> int:
    """A directory's descriptor, with all that its owner may do with it."""
    handle = os.open(path, os.O_PATH | _DIRECTORY, dir_fd=directory)
    try:
        if os.fstat(handle).st_mode & 0o700 != 0o700:
            Path(f"/proc/self/fd/{handle}").chmod(0o700)  # fchmod(2) takes no O_PATH
        return os.open(".", os.O_RDONLY | _DIRECTORY, dir_fd=handle)
    finally:
        os.close(handle)
