"""(c) From `sshore run` to the first output of a command, with a new session each time."""

import subprocess
import time
from functools import partial

from bench.deployment import SSHORE, Deployment
from bench.figures import Figure
from bench.turns import Pace

_MOST_S = 0.7
_NAME = "fresh"


def first_outputs(ours: Deployment, turns: int, pace: Pace) -> list[Figure]:
    """Figures of `sshore run fresh && sshore ssh fresh echo`, by network, and of `sshore run` alone."""
    runs: dict[str, list[float]] = {"nat": [], "none": []}
    taken = pace.take_turns({network: partial(_once, ours, network, runs) for network in runs}, turns)
    whole, without = taken["nat"].median, taken["none"].median
    target = f"≤ {_MOST_S:g} s"
    samples = {network: samples.seconds for network, samples in taken.items()} | {"run": runs}
    return [
        Figure("c", "run && ssh echo, to its output", whole, "s", None, target, whole, most=_MOST_S, samples=samples),
        Figure("c", "the same with --network none", without, "s"),
        Figure("c", "of it, `sshore run`", sorted(runs["nat"])[turns // 2], "s"),
    ]


def _once(ours: Deployment, network: str, runs: dict[str, list[float]]) -> float:
    began = time.perf_counter()
    ours.sshore("run", _NAME, "--network", network)
    runs[network].append(time.perf_counter() - began)
    command = [SSHORE, "ssh", _NAME, "echo", "first"]
    with subprocess.Popen(command, env=ours.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        seconds = time.perf_counter() - began
        process.stdout.read()
    ours.sshore("rm", "--force", _NAME)
    assert first == b"f", "the session did not answer"
    return seconds
