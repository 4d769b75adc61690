"""Mounts of running sessions, changed by the helper. Blocking, some 50 ms."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sshore.core import layout
from sshore.core.errors import Conflict, EngineFailed, Unavailable
from sshore.core.sessions import BindMount
from sshore.engines.mounting.holders import MountedDirectory, end_holders
from sshore.engines.mounting.mount_table import MountEntry, mounts_of, showing, shown_as
from sshore.engines.mounting.sources import opened
from sshore.wire.problems import Code

_HELPER = Path(__file__).with_name("helper.py")
_TIMEOUT_S = 30.0
_TRIES = 5
_CANNOT = frozenset({errno.EPERM, errno.ENOSYS, errno.EINVAL})
"""What the kernel says to who may not, or where it has no such mounts."""

CLOSED = frozenset({"nosuid", "nodev"})

MakeTree = Callable[[BindMount], int]
"""Makes a mount that is nowhere yet: a descriptor, which the caller closes."""


def attach(
    agent: int,
    is_still_there: Callable[[], bool],
    mount: BindMount,
    host_uid: int | None,
    make_tree: MakeTree | None = None,
) -> None:
    """Mount a directory in the session of this agent; nothing happens where it is mounted already.

    `make_tree` is needed where the mount is to be mapped.

    Raises:
        Conflict: this server cannot (`live_mount_unsupported`), or something else lies there.
        EngineFailed: the directory is not there.
    """
    with _mounts_namespace(agent, is_still_there) as namespace, opened(mount) as source:
        tree = _made(make_tree, mount) if make_tree else None
        try:
            answer = _ask_when_started(
                [source, namespace, *([] if tree is None else [tree])],
                do="attach",
                namespace=namespace,
                source=source,
                path=str(mount.source),
                tree=tree,
                target=mount.target,
                read_only=mount.read_only,
                home=layout.HOME,
                home_uid=host_uid,
            )
        finally:
            if tree is not None:
                os.close(tree)
        if number := answer.get("errno"):
            raise _refusal(number, str(answer["said"]), mount.target)


def _made(make_tree: MakeTree, mount: BindMount) -> int:
    try:
        return make_tree(mount)
    except OSError as error:
        raise unsupported(f"the kernel or the file system cannot map uids ({error.strerror or error})") from error


def detach(
    agent: int, is_still_there: Callable[[], bool], mount: BindMount, *, everywhere: bool, by_force: bool
) -> bool:
    """Take a directory away from a running session: the mount at the target or, `everywhere`, each one; whether
    processes still have it. `by_force`: those that do are ended first; where that does not help it stays.

    Raises:
        Conflict: this server cannot (`live_mount_unsupported`).
    """
    with _mounts_namespace(agent, is_still_there) as namespace, opened(mount) as directory:
        source = shown_as(directory)

        def there() -> list[MountEntry]:
            entries = mounts_of(agent)
            if not everywhere:
                at_target = {entry.number for entry in entries if entry.point == mount.target}
                entries = [entry for entry in entries if entry.number in at_target or entry.above in at_target]
            return showing(entries, source)

        if by_force:
            disk = os.fstat(directory).st_dev
            elsewhere = MountedDirectory([], *source, disk)
            for _ in range(_TRIES):
                # Those with mounts of their own, too, which are not seen by who unmounts ours.
                end_holders(agent, replace(elsewhere, numbers=[entry.number for entry in there()]))
                # Once more when there is nothing left to be copied, for those that came to be meanwhile.
                if not _detach(namespace, there(), lazily=False) and not end_holders(agent, elsewhere):
                    return False
            return True
        return _detach(namespace, there(), lazily=True)


def close_mounts(agent: int, is_still_there: Callable[[], bool], targets: Collection[str]) -> None:
    """Have what is mounted at these places, and below, run no set-user-ID programs and open no devices; by a server
    that is root. Nothing happens where it is so already.

    Raises:
        Conflict: the session has ended. EngineFailed: the kernel refuses, or a place was moved meanwhile.
    """
    with _mounts_namespace(agent, is_still_there) as namespace:
        open_ones = [entry for entry in _at_or_below(mounts_of(agent), targets) if not entry.options >= CLOSED]
        if not open_ones:
            return
        pairs = [(entry.number, entry.point) for entry in open_ones]
        answer = _ask([namespace], do="close", namespace=namespace, mounts=pairs)
    if answer.get("errno") or answer["left"]:
        why = answer.get("said") or "one of them was moved while the session started: try again"
        raise EngineFailed(f"the session's folders cannot be mounted nosuid,nodev: {why}")


def _at_or_below(entries: Iterable[MountEntry], targets: Collection[str]) -> Collection[MountEntry]:
    """The mounts that are seen at these places, and those on them."""
    found: dict[int, MountEntry] = {}
    for entry in entries:
        if entry.point in targets or entry.above in found:
            found[entry.number] = entry
    return {entry.point: entry for entry in found.values()}.values()


def _detach(namespace: int, mounts: Sequence[MountEntry], *, lazily: bool) -> bool:
    """Whether any is still there, or still has users."""
    if not mounts:
        return False
    pairs = [(entry.number, entry.point) for entry in mounts]
    answer = _ask([namespace], do="detach", namespace=namespace, mounts=pairs, lazily=lazily)
    if number := answer.get("errno"):
        raise _refusal(number, str(answer["said"]), mounts[-1].point)
    return bool(answer["busy"] or answer["left"])


def _ask_when_started(descriptors: Sequence[int], **task: Any) -> dict[str, Any]:
    """Ask again while the session takes its last steps to its own root, quicker than the helper starts."""
    for _ in range(_TRIES):
        answer = _ask(descriptors, **task)
        if answer.get("errno") != errno.EAGAIN:
            break
    return answer


def _ask(descriptors: Sequence[int], **task: Any) -> dict[str, Any]:
    # Root has rights over every mount; another has them over what its own user namespaces hold.
    task["enter_user"] = os.geteuid() != 0
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_HELPER), json.dumps(task)],
            pass_fds=descriptors,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            cwd="/",
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable("the session's mounts cannot be changed now: a disk does not answer") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise EngineFailed(f"the session's mounts cannot be changed: {said or done.returncode}")
    return dict(json.loads(done.stdout))


@contextmanager
def _mounts_namespace(agent: int, is_still_there: Callable[[], bool]) -> Iterator[int]:
    try:
        namespace = os.open(f"/proc/{agent}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Conflict("the session has ended meanwhile", code=Code.SESSION_NOT_RUNNING) from error
    except PermissionError as error:
        raise unsupported("it may not look into the session") from error
    try:
        # Looked at after opening: the number may have become another process's before, but not since.
        if not is_still_there():
            raise Conflict("the session has ended meanwhile", code=Code.SESSION_NOT_RUNNING)
        yield namespace
    finally:
        os.close(namespace)


def unsupported(why: str) -> Conflict:
    """For a server that cannot change mounts of running sessions."""
    return Conflict(
        f"this server cannot change what a running session has mounted: {why}", code=Code.LIVE_MOUNT_UNSUPPORTED
    )


def _refusal(number: int, said: str, target: str) -> Conflict | EngineFailed:
    if number in _CANNOT:
        return unsupported(f"the kernel says {said!r}")
    if number in (errno.ENOTDIR, errno.ELOOP, errno.EEXIST, errno.EBUSY, errno.EACCES, errno.EROFS):
        return Conflict(
            f"a folder is to be mounted at {target}, where something else lies, or no directory can be made: move it "
            "away, or mount the folder elsewhere"
        )
    return EngineFailed(f"the folder cannot be mounted at {target}: {said}")
