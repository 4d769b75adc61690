"""Mounts in a running container, by the pid of its agent: folders mounted and taken away, and how they are mounted.
Blocking.

The daemon cannot do that. A server that is root on the daemon's machine can, as in a sandbox.
"""

import os
import time
from collections.abc import Collection
from functools import partial
from pathlib import Path

from sshore.core import layout
from sshore.core.ids import SessionId
from sshore.core.sessions import BindMount
from sshore.engines.docker.root import root_ranges
from sshore.engines.docker.staging import live_tree, share_ranges, shares_with_daemon
from sshore.engines.mounting import idmap
from sshore.engines.mounting.live import attach, detach, unsupported
from sshore.engines.mounting.live import close_mounts as close

_EXEC_S = 1.0


def mount_live(pid: int, session_id: SessionId, mount: BindMount, host_uid: int | None, *, has_root: bool) -> None:
    """See `core.ports.Engine.mount`. `has_root`: the session's `work` has uid 0, and must have none on the disk."""
    _check_that_we_may(pid, session_id)
    uid, make_tree = host_uid, None
    if has_root:
        uid = _uid_of(pid)
        make_tree = partial(live_tree, ranges=root_ranges(mount.disk_uid or host_uid or 0, uid))
    elif mount.disk_uid:
        make_tree = partial(live_tree, ranges=share_ranges(mount, host_uid))
    attach(pid, partial(_is_session, pid, session_id), mount, uid, make_tree)


def unmount_live(pid: int, session_id: SessionId, mount: BindMount, *, everywhere: bool, by_force: bool) -> bool:
    """See `core.ports.Engine.unmount`."""
    _check_that_we_may(pid, session_id)
    return detach(pid, partial(_is_session, pid, session_id), mount, everywhere=everywhere, by_force=by_force)


def close_mounts(pid: int, session_id: SessionId, targets: Collection[str]) -> None:
    """See `mounting.live.close_mounts`: Docker's API has no such flags, and runc drops those of what is read-only. The
    agent waits for them, where it is told to (`container_config`)."""
    _check_that_we_may(pid, session_id)
    close(pid, partial(_is_session, pid, session_id), targets)


def can_close_mounts(socket_path: Path) -> bool:
    """Whether this server will be able to, with the containers of the daemon at this socket."""
    return os.geteuid() == 0 and idmap.has_mount_setattr() and shares_with_daemon(socket_path, "pid")


def _check_that_we_may(pid: int, session_id: SessionId) -> None:
    if os.geteuid() != 0:
        raise unsupported("only one that is root can, for containers")
    deadline = time.monotonic() + _EXEC_S
    while not _is_session(pid, session_id):
        if time.monotonic() < deadline:
            # Podman tells of a container that runs before runc has made way for the agent (execve(2)).
            time.sleep(0.01)
            continue
        raise unsupported("its containers run on another machine, or in a virtual one")


def _uid_of(pid: int) -> int:
    """A process's uid on this machine (proc(5)); the owner of its directory may be root all the same."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Uid:"))


def _is_session(pid: int, session_id: SessionId) -> bool:
    """Whether the process is the session's agent here, and not one of this number on the machine of the daemon."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"{layout.ID_VARIABLE}={session_id}".encode() in variables
