"""(b) From `ssh … true` to its end, and what of it is the server's part: opening the stream."""

import socket
import subprocess
import time
from collections.abc import Callable

from bench.deployment import SESSION, SSHORE, Deployment
from bench.endpoint import Endpoint
from bench.figures import Figure
from bench.turns import Pace, Samples, timed
from sshore.sdk.stream_head import StreamTarget

_MOST_MORE_MS = 30.0
_STREAMS = 100
_UNKNOWN_APP = "no-such-app"


def connections(ours: Deployment, direct: Endpoint, turns: int, pace: Pace) -> list[Figure]:
    """Figures of `ssh … true` by the forward and by `sshore ssh`, and of opening a stream."""
    taken = pace.take_turns(
        {
            "forward": _command(ours.endpoint.ssh("true"), ours.environment),
            "direct": _command(direct.ssh("true"), ours.environment),
            "sshore ssh": _command([SSHORE, "ssh", SESSION, "true"], ours.environment),
        },
        turns,
    )
    forward, base, own = (_ms(taken[name]) for name in ("forward", "direct", "sshore ssh"))
    samples = {name: samples.seconds for name, samples in taken.items()}
    target = f"≤ direct + {_MOST_MORE_MS:g} ms"
    return [
        Figure("b", "ssh … true", forward, "ms", base, target, forward - base, most=_MOST_MORE_MS, samples=samples),
        Figure("b", "sshore ssh … true", own, "ms", base),
        *_stream_figures(ours, pace),
    ]


def _stream_figures(ours: Deployment, pace: Pace) -> list[Figure]:
    """What a client waits for `101`, and what it waits for the refusal of an app that does not exist: the
    latter asks for the user and the session like the former, but goes no further."""
    pace.wait_quiet()  # once: these turns take milliseconds
    taken = Pace().take_turns(
        {"open": lambda: _answer_s(ours, "ssh"), "refuse": lambda: _answer_s(ours, _UNKNOWN_APP)}, _STREAMS
    )
    return [
        Figure("b", "opening a stream (to 101)", _ms(taken["open"]), "ms"),
        Figure("b", "refusing a stream (after the same look-ups)", _ms(taken["refuse"]), "ms"),
    ]


def _answer_s(ours: Deployment, app: str) -> float:
    """Seconds from connecting to the server to the first byte of its answer to a stream's request."""
    address = ours.login.address
    request = StreamTarget(address, ours.login.token, SESSION, app).request()
    began = time.perf_counter()
    with socket.create_connection((address.host, address.port)) as connection:
        connection.sendall(request)
        connection.recv(1)
        return time.perf_counter() - began


def _command(command: list[str], environment: dict[str, str]) -> Callable[[], float]:
    def run() -> None:
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)

    return lambda: timed(run)


def _ms(samples: Samples) -> float:
    return samples.median * 1000
