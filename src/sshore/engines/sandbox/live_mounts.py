"""Folders in a running session: mounted and taken away by the pid of its agent. Blocking."""

from functools import partial

from sshore.core.errors import Conflict
from sshore.core.sessions import BindMount
from sshore.engines.mounting.live import attach, detach
from sshore.engines.sandbox.ending import runs
from sshore.engines.sandbox.idmap import mapped_tree
from sshore.engines.sandbox.records import Record
from sshore.wire.problems import Code


def mount(record: Record | None, wanted: BindMount, host_uid: int | None) -> None:
    """See `core.ports.Engine.mount`."""
    if record is None or record.agent is None or not runs(record):
        raise Conflict("the session does not run", code=Code.SESSION_NOT_RUNNING)
    make_tree = None
    if wanted.disk_uid is not None and host_uid is not None:
        make_tree = partial(mapped_tree, host_uid=host_uid)
    attach(record.agent.pid, partial(runs, record), wanted, host_uid, make_tree)


def unmount(record: Record | None, unwanted: BindMount, *, everywhere: bool, by_force: bool) -> bool:
    """See `core.ports.Engine.unmount`."""
    if record is None or record.agent is None or not runs(record):
        return False
    return detach(record.agent.pid, partial(runs, record), unwanted, everywhere=everywhere, by_force=by_force)
