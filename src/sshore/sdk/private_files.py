"""A user's own files: mode 0600 in directories of mode 0700, written aside and renamed.

By `os` alone, without pathlib, secrets and the like: `ssh` waits for the certificate that is written here.
"""

import errno
import os

_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_private(
    path: "str | os.PathLike[str]", content: str | bytes, mode: int = 0o600, *, durable: bool = False
) -> None:
    """Replace a file as a whole: a reader sees the old content or the new; so does, where it is `durable`,
    whoever starts the machine after a power cut.

    Raises:
        Unavailable: the disk is full (``storage_full``); the old content is still there.
        OSError: it cannot be written for another reason.
    """
    directory, name = os.path.split(path)
    make_private_directory(directory)
    aside = os.path.join(directory, f".{name}.{os.urandom(4).hex()}")
    try:
        _write_new(aside, content if isinstance(content, bytes) else _encoded(content), mode, durable)
        os.replace(aside, path)
    except BaseException as error:
        _forget(aside)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise _full(path) from error
        if isinstance(error, OSError):  # about the file that the caller knows
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def make_private_directory(directory: "str | os.PathLike[str]") -> None:
    """Make a directory that only its owner may enter, and those above it that are missing; one that exists is left as
    it is. (`os.makedirs` makes those above by the umask.)"""
    path = os.fspath(directory)
    if os.path.isdir(path or "."):
        return
    above = os.path.dirname(path.rstrip(os.sep))
    if above != path:
        make_private_directory(above)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:  # another command of this user's was at it, too
        if not os.path.isdir(path):
            raise


def writable_by_others(directory: "str | os.PathLike[str]") -> bool:
    """Whether others than its owner and root may put files into a directory; one that is not there is nobody's. A
    group that is its user's alone, as many systems make one for each (useradd(8), USERGROUPS_ENAB), is not others."""
    try:
        found = os.stat(directory)
    except OSError:
        return False
    if os.name != "posix" or not found.st_mode & 0o022:
        return False
    return bool(found.st_mode & 0o002) or not _is_private_group(found.st_uid, found.st_gid)


def umask() -> int:
    """The process's own, for files that are to be as another program would make them."""
    mask = os.umask(0o077)  # there is no other way to ask that every system has
    os.umask(mask)
    return mask


def _is_private_group(uid: int, gid: int) -> bool:
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _full(path: "str | os.PathLike[str]") -> Exception:
    from sshore.core.errors import Unavailable  # for the start-up time of those who have room
    from sshore.wire.problems import Code

    return Unavailable(f"the disk is full: {path} cannot be written", code=Code.STORAGE_FULL)


def _encoded(content: str) -> bytes:
    return content.encode(errors="surrogateescape")  # a path's bytes need not be UTF-8


def _write_new(path: str, content: bytes, mode: int, durable: bool) -> None:
    # The mode is given at creation: there is no moment at which others could read the file.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
