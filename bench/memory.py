"""(e) Memory of an open stream in the server and in the local proxy."""

import socket
from contextlib import ExitStack

from bench.deployment import Deployment
from bench.figures import Figure
from bench.processes import resident_bytes

_KIB = 1024


def memory_of_streams(ours: Deployment, streams: int) -> list[Figure]:
    """Figures of what each of `streams` idle streams adds to a process.

    Twice as many are open before: the first ones fit what the interpreter's heap has left over, and would seem free.
    """
    pids = {"server": ours.server_pid, "proxy": ours.proxy_pid}
    if ours.server_pid == ours.proxy_pid:
        pids = {"both in one process": ours.server_pid}
    alone = _resident(pids)
    with ExitStack() as stack:
        _open(ours, 2 * streams, stack)
        before = _resident(pids)
        _open(ours, streams, stack)
        during = _resident(pids)
    return [
        Figure("e", f"memory of an idle stream, {name}", (during[name] - before[name]) / streams / _KIB, "KiB")
        for name in pids
    ] + [Figure("e", f"memory without streams, {name}", alone[name] / _KIB / _KIB, "MiB") for name in pids]


def _resident(pids: dict[str, int]) -> dict[str, int]:
    return {name: resident_bytes(pid) for name, pid in pids.items()}


def _open(ours: Deployment, streams: int, stack: ExitStack) -> None:
    """Open so many streams, each proven by the daemon's banner."""
    for _ in range(streams):
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", ours.endpoint.port), 30))
        assert connection.recv(4) == b"SSH-"
