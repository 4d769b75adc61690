"""`python -m bench`: measures, prints the table, writes the JSON file."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.connecting import connections
from bench.crowd import crowds
from bench.deployment import Deployment, deployment
from bench.endpoint import Endpoint, direct_sshd
from bench.figures import Figure, table, write_json
from bench.memory import memory_of_streams
from bench.session import first_outputs
from bench.start_up import start_ups
from bench.transfer import transfers
from bench.websocket import comparison

_MIB = 1 << 20
_RESULTS = Path(__file__).parent / "results"

Part = Callable[[Deployment, Endpoint, bool], list[Figure]]
"""Measures one letter's figures; the last argument is whether to be quick."""

# Memory comes first: the other parts leave the processes' heaps grown.
PARTS: dict[str, Part] = {
    "e": lambda ours, _, quick: memory_of_streams(ours, 20 if quick else 200),
    "a": lambda ours, direct, quick: transfers(ours, direct, 64 * _MIB if quick else 1024 * _MIB, 1 if quick else 7),
    "b": lambda ours, direct, quick: connections(ours, direct, 3 if quick else 25),
    "c": lambda ours, _, quick: first_outputs(ours, 1 if quick else 9),
    "d": lambda ours, direct, quick: crowds(ours, direct, 20 if quick else 200),
    "g": lambda ours, _, quick: comparison(ours, 32 * _MIB if quick else 256 * _MIB, 1 if quick else 5),
    "h": lambda _ours, _direct, quick: start_ups(3 if quick else 15),
}


def main() -> int:
    """Measure; the exit status does not depend on targets, which a busy machine misses."""
    arguments = _arguments()
    figures: list[Figure] = []
    with deployment(together=arguments.up) as ours, direct_sshd() as direct:
        for letter in arguments.only:
            print(f"measuring ({letter}) …", file=sys.stderr, flush=True)
            figures += PARTS[letter](ours, direct, arguments.quick)
    print(table(sorted(figures, key=lambda figure: figure.part)))
    write_json(arguments.json, figures, quick=arguments.quick, together=arguments.up)
    print(f"\nwritten to {arguments.json}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Sshore against OpenSSH on loopback.")
    parser.add_argument("--quick", action="store_true", help="small sizes, few turns: whether it works, not how well")
    parser.add_argument("--only", type=_letters, default=list(PARTS), help="letters of parts, as in: a,b")
    parser.add_argument("--json", type=Path, default=_default_file(), help="where the figures are written")
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
