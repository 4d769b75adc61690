"""(j) `ssh … true` by name against the same by port: on loopback, and as from a place that is 100 ms away."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.deployment import SESSION, SSHORE, Deployment, endpoint_of, sshore_in
from bench.distance import distance
from bench.endpoint import Endpoint
from bench.figures import Figure
from bench.turns import Pace, timed
from sshore.sdk.credentials import Login

_ROUND_TRIP_S = 0.1
_MOST_HERE, _MOST_AWAY = 1.35, 1.12


def connections_by_name(ours: Deployment, here: int, away: int, pace: Pace) -> list[Figure]:
    """Figures of `ssh NAME.sshore true` and `sshore ssh NAME true`, `here` and `away` turns."""
    figures = _figures(ours.environment, ours.endpoint, "", _MOST_HERE, here, pace)
    with distance(ours.port, _ROUND_TRIP_S) as port, _user_at(ours, port) as (environment, endpoint):
        return figures + _figures(environment, endpoint, ", 100 ms away", _MOST_AWAY, away, pace)


def _figures(
    environment: dict[str, str], endpoint: Endpoint, where: str, most: float, turns: int, pace: Pace
) -> list[Figure]:
    own = Path(environment["SSHORE_CONFIG_DIR"]) / "user_ssh_config"
    sshore_in(environment, "config-ssh", "--file", str(own))
    names = {
        f"ssh NAME.sshore true{where}": ["ssh", "-F", str(own), f"{SESSION}.sshore", "true"],
        f"sshore ssh NAME true{where}": [SSHORE, "ssh", SESSION, "true"],
    }
    commands = {"port": endpoint.ssh("true"), **names}
    taken = pace.take_turns({name: _run(command, environment) for name, command in commands.items()}, turns)
    base = taken["port"].median
    target = f"≤ {most:g} × ssh -p PORT"
    figures = []
    for name in names:
        value, samples = taken[name].median, {each: taken[each].seconds for each in ("port", name)}
        figures.append(
            Figure("j", name, value * 1000, "ms", base * 1000, target, value / base, most=most, samples=samples)
        )
    return figures


@contextmanager
def _user_at(ours: Deployment, port: int) -> Iterator[tuple[dict[str, str], Endpoint]]:
    """The same user on a machine whose way to the server leads through a port: with a local proxy of its own."""
    config = Path(tempfile.mkdtemp(prefix="sshore-bench-away-"))
    environment = {**ours.environment, "SSHORE_CONFIG_DIR": str(config)}
    login: Login = ours.login
    try:
        sshore_in(environment, "login", f"http://127.0.0.1:{port}", "--token", login.token)
        yield environment, endpoint_of(environment)
    finally:
        subprocess.run([SSHORE, "proxy", "stop"], env=environment, stdout=subprocess.DEVNULL)
        shutil.rmtree(config)


def _run(command: list[str], environment: dict[str, str]) -> Callable[[], float]:
    return lambda: timed(lambda: _quietly(command, environment))


def _quietly(command: list[str], environment: dict[str, str]) -> None:
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)
