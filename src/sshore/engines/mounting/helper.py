"""The program that enters a session's mounts and changes them there: `python -I -S helper.py JSON`; see the package.

A process of its own: a user namespace can only be entered by a process of one thread, and what it enters it never
leaves. Nothing but the standard library, since it runs without any other. Its answer is one line of JSON.
"""

import ctypes
import errno
import fcntl
import json
import os
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
"""The same on every architecture (syscalls(2))."""
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
AT_EMPTY_PATH, AT_RECURSIVE, OPEN_TREE_CLONE = 0x1000, 0x8000, 1
MOVE_MOUNT_EMPTY_PATHS = 0x04 | 0x40
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
MS_SLAVE = 1 << 19
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
NS_GET_USERNS = 0xB701
"""ioctl_ns(2)"""

PLACE = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> int:
    """The result of a call of libc's, or its error as an exception."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)


def attach(task: dict[str, Any]) -> dict[str, Any]:
    """Mount a directory at `target`, where `home_uid` makes the directories that are missing; whether it is new there.

    `tree` is a mount that is nowhere yet (else it is made of the directory `source`, a descriptor), `namespace` are
    the session's mounts, `enter_user` is set where the server has its rights over them by their user namespace.
    """
    identity = os.fstat(task["source"])
    mounts_of_us = os.open("/proc/self/fdinfo", os.O_RDONLY | os.O_DIRECTORY)
    if task["enter_user"]:
        enter_user_of(task["namespace"])
        # The host's mounts again, but of this user namespace: here they may be copied.
        check(libc.unshare(CLONE_NEWNS))
        source = os.open(task["path"], PLACE)
        if not same(os.fstat(source), identity):
            raise OSError(errno.ESTALE, "the directory has been replaced")
    else:
        source = task["source"]
    tree = task["tree"]
    if tree is None:
        flags = OPEN_TREE_CLONE | os.O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE
        tree = check(libc.syscall(OPEN_TREE, source, b"", flags))
    attributes = ATTR_NOSUID | ATTR_NODEV | (ATTR_RDONLY if task["read_only"] else 0)
    set_attributes(tree, attributes, 0, MS_SLAVE)
    check(libc.setns(task["namespace"], CLONE_NEWNS))
    if not Path(task["home"]).is_dir():
        # bwrap changes roots (pivot_root(2)) as its last step; what is mounted before is lost with the root left.
        raise OSError(errno.EAGAIN, "the session is still starting")
    place = walk(task["target"], None if task["enter_user"] else task["home_uid"], task["home"])
    try:
        if same(os.fstat(place), identity):
            return {"new": False}
        above = os.open("..", PLACE, dir_fd=place)
        if mount_id(place, mounts_of_us) != mount_id(above, mounts_of_us):
            raise OSError(errno.EBUSY, "something else is mounted there")
        check(libc.syscall(MOVE_MOUNT, tree, b"", place, b"", MOVE_MOUNT_EMPTY_PATHS))
    finally:
        os.close(place)
    return {"new": True}


def detach(task: dict[str, Any]) -> dict[str, Any]:
    """Take away the mounts with the numbers in `mounts`: `lazily`, or where no process has anything there open.

    Which were `busy`, and which are `left` because their place could not be reached.
    """
    mounts_of_us = os.open("/proc/self/fdinfo", os.O_RDONLY | os.O_DIRECTORY)
    if task["enter_user"]:
        enter_user_of(task["namespace"])
    check(libc.setns(task["namespace"], CLONE_NEWNS))
    busy: list[int] = []
    left: list[int] = []
    for number, point in task["mounts"]:
        try:
            take_away(number, point, mounts_of_us, busy, lazily=task["lazily"])
        except OSError:
            left.append(number)
    return {"busy": busy, "left": left}


def close(task: dict[str, Any]) -> dict[str, Any]:
    """Have the mounts with the numbers in `mounts` run no set-user-ID programs and open no devices; which are `left`
    because their place could not be reached."""
    mounts_of_us = os.open("/proc/self/fdinfo", os.O_RDONLY | os.O_DIRECTORY)
    check(libc.setns(task["namespace"], CLONE_NEWNS))
    left = []
    for number, point in task["mounts"]:
        try:
            place = walk(point, None, "", make=False)
        except OSError:
            left.append(number)
            continue
        if mount_id(place, mounts_of_us) == number:
            set_attributes(place, ATTR_NOSUID | ATTR_NODEV, 0, 0)
        else:
            left.append(number)
        os.close(place)
    return {"left": left}


def take_away(number: int, point: str, mounts_of_us: int, busy: list[int], *, lazily: bool) -> None:
    above, _, name = point.rpartition("/")
    directory = walk(above or "/", None, "", make=False)
    try:
        place = os.open(name, PLACE, dir_fd=directory)
        try:
            if mount_id(place, mounts_of_us) != number:
                raise OSError(errno.EINVAL, "another mount")
        finally:
            os.close(place)
        # Relative to a directory that is held: whatever is renamed meanwhile, a mount point stays where it is.
        os.fchdir(directory)
    finally:
        os.close(directory)
    relative = os.fsencode(name)
    if libc.umount2(relative, UMOUNT_NOFOLLOW) == 0:
        return
    if ctypes.get_errno() != errno.EBUSY:
        check(-1)
    busy.append(number)
    if lazily:
        check(libc.umount2(relative, UMOUNT_NOFOLLOW | MNT_DETACH))


def enter_user_of(namespace: int) -> None:
    """Enter the user namespace that the mounts belong to."""
    owner = fcntl.ioctl(namespace, NS_GET_USERNS)
    check(libc.setns(owner, CLONE_NEWUSER))


def set_attributes(tree: int, attributes: int, cleared: int, propagation: int) -> None:
    attribute = struct.pack("QQQQ", attributes, cleared, propagation, 0)
    flags = AT_EMPTY_PATH | AT_RECURSIVE
    check(libc.syscall(MOUNT_SETATTR, tree, b"", flags, attribute, len(attribute)))


def walk(target: str, home_uid: int | None, home: str, *, make: bool = True) -> int:
    """A directory by its absolute path, no link of which is followed: they are the session's user's."""
    directory = os.open("/", PLACE)
    below_home = False
    path = ""
    for name in target.split("/"):
        if not name:
            continue
        if make:
            make_directory(directory, name, home_uid, in_home=below_home)
        below = os.open(name, PLACE, dir_fd=directory)
        os.close(directory)
        directory = below
        path += "/" + name
        below_home = below_home or path == home
    return directory


def make_directory(directory: int, name: str, uid: int | None, *, in_home: bool) -> None:
    """Make a directory where it is missing: in the session's own root with our rights, and in all that is mounted there
    (the home, folders, what the host's users own) as the session's uid, who may make some there or not."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=directory, follow_symlinks=False)
        return
    ours = not in_home and os.fstat(directory).st_dev == Path("/").stat().st_dev
    try:
        with acting_as(None if ours else uid):
            os.mkdir(name, 0o755, dir_fd=directory)
    except OSError as error:
        # A sandbox's own root is read-only, and knows no uid but the session's.
        if not ours or error.errno not in (errno.EROFS, errno.EOVERFLOW):
            raise
        make_in_root(directory, name, uid)


def make_in_root(directory: int, name: str, uid: int | None) -> None:
    """Make a directory in the session's root, which is a file system of its own that is mounted read-only."""
    tree = check(libc.syscall(OPEN_TREE, directory, b"", OPEN_TREE_CLONE | os.O_CLOEXEC | AT_EMPTY_PATH))
    try:
        set_attributes(tree, 0, ATTR_RDONLY, 0)
        with acting_as(uid):
            os.mkdir(name, 0o755, dir_fd=tree)
    finally:
        os.close(tree)


@contextmanager
def acting_as(uid: int | None) -> Iterator[None]:
    """Do something with the rights of a session's uid, where we are root; None: with our own."""
    if uid is not None:
        os.setgroups([])  # what root's groups may write is not the session's to write
        os.setegid(uid)
        os.seteuid(uid)
    try:
        yield
    finally:
        if uid is not None:
            os.seteuid(0)
            os.setegid(0)


def mount_id(descriptor: int, mounts_of_us: int) -> int:
    """The mount that an open place is on (proc(5)); by a directory opened before, as /proc is another's here."""
    with os.fdopen(os.open(str(descriptor), os.O_RDONLY, dir_fd=mounts_of_us)) as file:
        found = re.search(r"^mnt_id:\s*(\d+)", file.read(), re.MULTILINE)
    return int(found.group(1)) if found else 0


def same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def main() -> None:
    task = json.loads(sys.argv[1])
    # Once inside, whatever Python would still import, be it to print a traceback, would be the session's, run as us.
    sys.path.clear()
    sys.meta_path.clear()
    try:
        print(json.dumps({"attach": attach, "detach": detach, "close": close}[task["do"]](task)))
    except OSError as error:
        print(json.dumps({"errno": error.errno or errno.EIO, "said": error.strerror or str(error)}))


if __name__ == "__main__":
    main()
