"""(a) `sftp get` and `put` of one file, and (f) what the relays' processes spend on it.

Both ends of the file lie in memory. The time is that of the whole `sftp` command, connecting included.
"""

from pathlib import Path

from bench.deployment import Deployment
from bench.endpoint import Endpoint, memory_directory
from bench.figures import Figure
from bench.processes import cpu_s
from bench.turns import Pace, Samples, timed

_MIB, _GIB = 1 << 20, 1 << 30
_LEAST = {"get": 0.80, "put": 0.70}
_MOST_CPU_S = 0.5
CIPHERS = {"default": (), "aes128-gcm": ("-c", "aes128-gcm@openssh.com")}


def transfers(ours: Deployment, direct: Endpoint, size: int, turns: int, pace: Pace) -> list[Figure]:
    """Figures of get and put, by the default cipher and by AES-GCM, and of the relays' CPU time."""
    figures = []
    with memory_directory() as here:
        (here / "up").write_bytes(b"")
        _fill(here / "up", size)
        for endpoint in (ours.endpoint, direct):
            endpoint.run("head", "-c", str(size), "/dev/zero", ">", f"{endpoint.memory}/down")
        for label, options in CIPHERS.items():
            for verb in ("get", "put"):
                figures += _compare(ours, direct, here, verb, label, options, size, turns, pace)
        for endpoint in (ours.endpoint, direct):
            endpoint.run("rm", "-f", f"{endpoint.memory}/down", f"{endpoint.memory}/up")
    return figures


def _compare(
    ours: Deployment,
    direct: Endpoint,
    here: Path,
    verb: str,
    label: str,
    options: tuple[str, ...],
    size: int,
    turns: int,
    pace: Pace,
) -> list[Figure]:
    spent: dict[str, list[float]] = {"server": [], "proxy": []}

    def through_relays() -> float:
        before = cpu_s(ours.server_pid), cpu_s(ours.proxy_pid)
        seconds = _once(ours.endpoint, here, verb, options, size)
        after = cpu_s(ours.server_pid), cpu_s(ours.proxy_pid)
        for name, now, then in zip(spent, after, before, strict=True):
            spent[name].append((now - then) * _GIB / size)
        return seconds

    taken = pace.take_turns({"ours": through_relays, "direct": lambda: _once(direct, here, verb, options, size)}, turns)
    rates = {name: samples.rate(size / _MIB) for name, samples in taken.items()}
    cipher = f"{label}: {ours.endpoint.cipher()}" if not options else label
    figures = [
        Figure(
            "a",
            f"sftp {verb}, {cipher}",
            rates["ours"],
            "MiB/s",
            rates["direct"],
            f"ratio ≥ {_LEAST[verb]:.2f}",
            rates["ours"] / rates["direct"],
            least=_LEAST[verb],
            samples={name: samples.seconds for name, samples in taken.items()},
        )
    ]
    return figures + _cpu_figures(verb, label, spent, together=ours.server_pid == ours.proxy_pid)


def _cpu_figures(verb: str, label: str, spent: dict[str, list[float]], *, together: bool) -> list[Figure]:
    """A figure for each process; where one process is both hops, half of its time for each."""
    hops = 2 if together else 1
    figures = []
    for name, seconds in list(spent.items())[: 1 if together else 2]:
        a_hop = Samples(tuple(seconds)).median / hops
        title = f"CPU, {'both in one process' if together else name}, {verb}, {label}"
        target = f"≤ {_MOST_CPU_S:g} s/GiB a hop"
        figures.append(
            Figure("f", title, a_hop, "s/GiB", None, target, a_hop, most=_MOST_CPU_S, samples={name: seconds})
        )
    return figures


def _once(endpoint: Endpoint, here: Path, verb: str, options: tuple[str, ...], size: int) -> float:
    """One transfer, of a file that is not there before; its size is checked."""
    (here / "down").unlink(missing_ok=True)
    if verb == "get":
        seconds = timed(lambda: endpoint.transfer(f"get {endpoint.memory}/down {here}/down", *options))
        arrived = (here / "down").stat().st_size
    else:
        endpoint.run("rm", "-f", f"{endpoint.memory}/up")
        seconds = timed(lambda: endpoint.transfer(f"put {here}/up {endpoint.memory}/up", *options))
        arrived = int(endpoint.run("stat", "-c", "%s", f"{endpoint.memory}/up"))
    assert arrived == size, f"{arrived} of {size} bytes arrived"
    return seconds


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size // _MIB):
            file.write(bytes(_MIB))
