"""The worst that somebody can do inside a session: run there, as a program from stdin, by its own Python.

    python3 - KIND SECONDS < worst_inside.py

Each kind goes on for the given time, takes what it is given, begins anew when it is refused, and gives all back.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

_CHUNK = bytes(1 << 20)
_MOST_IN_HOME = 1 << 30
"""Bytes; the disk is everybody's."""
_CHILDREN = 64


def forks(until: float) -> None:
    """Processes until no more are allowed."""
    while time.monotonic() < until:
        try:
            if os.fork() == 0:
                time.sleep(max(until - time.monotonic(), 0))
                os._exit(0)
        except OSError:
            time.sleep(0.01)


def processors(until: float) -> None:
    """More busy processes than there are processors."""
    _each_child(lambda: _busy(until))


def memory(until: float) -> None:
    """Memory until the process that takes it is ended, again and again."""
    while time.monotonic() < until:
        _in_child(lambda: _take_memory(until))


def memory_places(until: float) -> None:
    """The places that lie in memory, until they are full."""
    _fill([Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run")], until, most=1 << 40)


def home(until: float) -> None:
    """The home, on the server's disk."""
    _fill([Path.home()], until, most=_MOST_IN_HOME)


def descriptors(until: float) -> None:
    """Open files, in many processes."""
    _each_child(lambda: _open_files(until))


def links(until: float) -> None:
    """Links to the gateway, with the agent's token, which any program of the session can read."""
    sys.path.insert(0, "/opt/sshore/agent")
    from sshore.wire.heads import link_request

    config = json.loads(Path("/run/sshore/agent.json").read_text())
    held: list[socket.socket] = []
    while time.monotonic() < until:
        try:
            link = socket.socket(socket.AF_UNIX)
            held.append(link)
            link.settimeout(1)
            link.connect(config["gateway"].removeprefix("unix:"))
            link.sendall(link_request("gateway", config["token"], "worst"))
        except OSError:
            held = held[len(held) // 2 :]
            time.sleep(0.01)


def log(until: float) -> None:
    """Lines into whatever is logged of a session."""
    while time.monotonic() < until:
        os.write(1, b"x" * 4096 + b"\n")


KINDS: dict[str, Callable[[float], None]] = {
    kind.__name__: kind for kind in (forks, processors, memory, memory_places, home, descriptors, links, log)
}


def _busy(until: float) -> None:
    while time.monotonic() < until:
        pass


def _take_memory(until: float) -> None:
    taken = []
    while time.monotonic() < until:
        taken.append(bytearray(os.urandom(1 << 12)) * (1 << 12))


def _open_files(until: float) -> None:
    held = []
    while time.monotonic() < until:
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            time.sleep(0.05)


def _fill(places: list[Path], until: float, *, most: int) -> None:
    while time.monotonic() < until:
        for number, place in enumerate(places):
            _write(place / f"worst-{number}", until, most)


def _write(path: Path, until: float, most: int) -> None:
    try:
        with path.open("wb") as file:
            while time.monotonic() < until and file.tell() < most:
                file.write(_CHUNK)
    except OSError:
        time.sleep(0.05)
    finally:
        path.unlink(missing_ok=True)


def _each_child(action: Callable[[], None]) -> None:
    for _ in range(_CHILDREN):
        if os.fork() == 0:
            action()
            os._exit(0)
    for _ in range(_CHILDREN):
        os.wait()


def _in_child(action: Callable[[], None]) -> None:
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    os.waitpid(child, 0)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    KINDS[sys.argv[1]](time.monotonic() + float(sys.argv[2]))
