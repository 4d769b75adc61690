"""(e) Memory of an open stream in the server and in the local proxy."""

import socket
from contextlib import ExitStack

from bench.deployment import Deployment
from bench.figures import Figure
from bench.processes import resident_bytes

_KIB = 1024
_WARM_UP = 20


def memory_of_streams(ours: Deployment, streams: int) -> list[Figure]:
    """Figures of what each of `streams` idle streams adds to a process."""
    _with_streams(ours, _WARM_UP)  # what the first ones cause to be loaded is not theirs
    pids = {"server": ours.server_pid, "proxy": ours.proxy_pid}
    if ours.server_pid == ours.proxy_pid:
        pids = {"both in one process": ours.server_pid}
    before = {name: resident_bytes(pid) for name, pid in pids.items()}
    during = _with_streams(ours, streams, pids)
    return [
        Figure("e", f"memory of an idle stream, {name}", (during[name] - before[name]) / streams / _KIB, "KiB")
        for name in pids
    ] + [Figure("e", f"memory without streams, {name}", before[name] / _KIB / _KIB, "MiB") for name in pids]


def _with_streams(ours: Deployment, streams: int, pids: dict[str, int] | None = None) -> dict[str, int]:
    """The processes' memory while so many streams are open, each proven by the daemon's banner."""
    with ExitStack() as stack:
        for _ in range(streams):
            connection = socket.create_connection(("127.0.0.1", ours.endpoint.port), 30)
            stack.enter_context(connection)
            assert connection.recv(4) == b"SSH-"
        return {name: resident_bytes(pid) for name, pid in (pids or {}).items()}
