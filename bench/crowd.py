"""(d) Many `ssh … true` at once."""

import subprocess
import time
from typing import Any

from bench.deployment import Deployment
from bench.endpoint import Endpoint
from bench.figures import Figure
from bench.turns import Pace

_DEADLINE_S = 240.0


def crowds(ours: Deployment, direct: Endpoint, size: int, pace: Pace) -> list[Figure]:
    """How many of `size` connections succeed that are all made at once, and how long all of them take."""
    pace.wait_quiet()
    done, seconds, why = _crowd(ours.endpoint, size)
    pace.wait_quiet()
    base_done, base_s, _ = _crowd(direct, size)
    samples = {"ours_s": seconds, "direct_s": base_s, "failures": why}
    return [
        Figure(
            "d", f"{size} × ssh … true at once", done, "ok", base_done, f"all {size}", done, least=size, samples=samples
        ),
        Figure("d", f"time until all {size} have ended", seconds, "s", base_s),
    ]


def _crowd(endpoint: Endpoint, size: int) -> tuple[int, float, list[str]]:
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    began = time.perf_counter()
    processes = [subprocess.Popen(endpoint.ssh("true"), **options) for _ in range(size)]
    said = [process.communicate(timeout=_DEADLINE_S)[1].decode(errors="replace") for process in processes]
    seconds = time.perf_counter() - began
    failures = [text for process, text in zip(processes, said, strict=True) if process.returncode]
    return size - len(failures), seconds, failures
