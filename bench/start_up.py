"""(h) What a user waits for `sshore` itself: its help, and the first byte that `sshore stream` sends."""

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from bench.deployment import SSHORE
from bench.figures import Figure
from bench.processes import running
from bench.turns import Pace, timed

_MOST_HELP_S = 0.3
_MOST_STREAM_S = 0.15
_STARTS_WITHIN_S = 30.0


def start_ups(turns: int, pace: Pace) -> list[Figure]:
    """Figures of `sshore --help`, and of `sshore stream` from its start to its first byte at the server."""
    taken = pace.take_turns(
        {"help": lambda: timed(_help), "stream": _stream_s, "python": lambda: timed(_python)}, turns
    )
    python = taken["python"].median * 1000
    figures = []
    limits = {"help": ("sshore --help", _MOST_HELP_S), "stream": ("sshore stream, to its first byte", _MOST_STREAM_S)}
    for name, (title, most) in limits.items():
        value = taken[name].median
        samples = {name: taken[name].seconds}
        target = f"≤ {most * 1000:g} ms"
        figures.append(Figure("h", title, value * 1000, "ms", python, target, value, most=most, samples=samples))
    return figures


def _help() -> None:
    subprocess.run([SSHORE, "--help"], stdout=subprocess.DEVNULL, check=True)


def _python() -> None:
    """What the interpreter itself takes: the base."""
    subprocess.run([Path(SSHORE).with_name("python"), "-c", ""], check=True)


def _stream_s() -> float:
    """Seconds to the first byte, which a listener of our own waits for."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as config:
        listener.settimeout(_STARTS_WITHIN_S)
        server = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = {**os.environ, "SSHORE_SERVER": server, "SSHORE_TOKEN": "t", "SSHORE_CONFIG_DIR": config}
        command = [SSHORE, "stream", "bench"]
        began = time.perf_counter()
        with running(command, env=environment):
            connection, _ = listener.accept()
            connection.recv(1)
            seconds = time.perf_counter() - began
        connection.close()
        return seconds
