"""`python -m bench`: measures, prints the table, writes the JSON file."""

import argparse
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.by_name import connections_by_name
from bench.connecting import connections
from bench.crowd import crowds
from bench.crowd_at_port import crowd_at_port
from bench.deployment import Deployment, deployment
from bench.endpoint import Endpoint, direct_sshd
from bench.figures import Figure, table, write_json
from bench.memory import memory_of_streams
from bench.neighbour import neighbours
from bench.session import first_outputs
from bench.start_up import start_ups
from bench.transfer import transfers
from bench.turns import Pace
from bench.websocket import comparison

_MIB = 1 << 20
_RESULTS = Path(__file__).parent / "results"

Part = Callable[[Deployment, Endpoint, Pace], list[Figure]]
"""Measures one letter's figures."""

# Memory comes first: the other parts leave the processes' heaps grown.
PARTS: dict[str, Part] = {
    "i": lambda ours, _, pace: crowd_at_port(ours, pace.of(1000, 50), pace),
    "e": lambda ours, _, pace: memory_of_streams(ours, pace.of(200, 20)),
    "a": lambda ours, direct, pace: transfers(ours, direct, pace.of(1024, 64) * _MIB, pace.of(7, 1), pace),
    "b": lambda ours, direct, pace: connections(ours, direct, pace.of(25, 3), pace),
    "c": lambda ours, _, pace: first_outputs(ours, pace.of(9, 1), pace),
    "d": lambda ours, direct, pace: crowds(ours, direct, pace.of(200, 20), pace),
    "g": lambda ours, _, pace: comparison(ours, pace.of(256, 32) * _MIB, pace.of(5, 1), pace),
    "j": lambda ours, _, pace: connections_by_name(ours, pace.of(25, 3), pace.of(9, 1), pace),
    "k": lambda ours, _, pace: neighbours(ours, pace.of(46, 2)),
    "h": lambda _ours, _direct, pace: start_ups(pace.of(15, 3), pace),
}


def main() -> int:
    """Measure; the exit status does not depend on targets, which a busy machine misses."""
    arguments = _arguments()
    # SIGTERM, too, is to end what was started: by the exception that Ctrl-C raises.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    pace = Pace(arguments.quick, arguments.patience)
    figures: list[Figure] = []
    with deployment(together=arguments.up) as ours, direct_sshd() as direct:
        for letter in arguments.only:
            print(f"measuring ({letter}) …", file=sys.stderr, flush=True)
            figures += PARTS[letter](ours, direct, pace)
    print(table(sorted(figures, key=lambda figure: figure.part)))
    write_json(arguments.json, figures, quick=arguments.quick, together=arguments.up)
    print(f"\nwritten to {arguments.json}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Sshore against OpenSSH on loopback.")
    parser.add_argument("--quick", action="store_true", help="small sizes, few turns: whether it works, not how well")
    parser.add_argument("--only", type=_letters, default=list(PARTS), help="letters of parts, as in: a,b")
    parser.add_argument("--json", type=Path, default=_default_file(), help="where the figures are written")
    parser.add_argument(
        "--patience",
        type=float,
        default=0,
        metavar="S",
        help="wait up to S seconds before each turn for idle processors",
    )
    parser.add_argument("--up", action="store_true", help="server and local proxy in one process, as `sshore up`")
    return parser.parse_args()


def _letters(text: str) -> list[str]:
    # The relays' CPU time (f) is measured during the transfers (a).
    letters = ["a" if letter == "f" else letter for letter in text.split(",")]
    unknown = [letter for letter in letters if letter not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}; parts: {', '.join(PARTS)}, f")
    return [letter for letter in PARTS if letter in letters]


def _default_file() -> Path:
    return _RESULTS / f"{datetime.now(UTC):%Y-%m-%d-%H%M}.json"


if __name__ == "__main__":
    sys.exit(main())
