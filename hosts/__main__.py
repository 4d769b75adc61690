"""`scripts/new_host SUITE`: goes through Sshore on a fresh machine; or runs the gate there, or a command."""

import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from hosts.machine import run_in
from hosts.root_files import CLONE, SUITES, fresh_root, kept_root

_RESULTS = "results.json"
_WALK_S, _GATE_S = 900, 5400
_WIDTH = 60


def main() -> int:
    arguments = _arguments()
    # SIGTERM, too, is to end the machine and remove its files: by the exception that Ctrl-C raises.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    missing = [name for name in ("debootstrap", "slirp4netns", "unshare", "git") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"not installed here: {', '.join(missing)}")
    if os.geteuid() != 0:
        raise SystemExit("only root can make a root file system: sudo scripts/new_host")
    kept = arguments.keep
    with kept_root(arguments.suite, kept) if kept else fresh_root(arguments.suite) as root:
        if arguments.gate:
            return _run(root, "bash", ".ci/run", timeout_s=_GATE_S)
        if arguments.command:
            return _run(root, *arguments.command, timeout_s=_GATE_S)
        return _go_through(root)


def _go_through(root: Path) -> int:
    results = root / _RESULTS
    status = _run(root, "python3", "-m", "hosts.walk", f"/{_RESULTS}", timeout_s=_WALK_S)
    if status:
        return status
    document = json.loads(results.read_text())
    print(_table(document["versions"], document["results"]))
    return int(any(came != "ok" for steps in document["results"].values() for came in steps.values()))


def _run(root: Path, *command: str, timeout_s: float) -> int:
    return run_in(root, "env", "-C", f"/{CLONE}", *command, timeout_s=timeout_s)


def _table(versions: str, results: dict[str, dict[str, str]]) -> str:
    titles = list(dict.fromkeys(title for steps in results.values() for title in steps))
    rows = [["", *results], *([title, *(steps.get(title, "-") for steps in results.values())] for title in titles)]
    widths = [min(_WIDTH, max(map(len, column))) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    good = sum(came == "ok" for steps in results.values() for came in steps.values())
    return "\n".join((f"{versions}\n", *lines, f"\n{good} of {sum(map(len, results.values()))} hold"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/new_host", description="Go through Sshore on a fresh Debian or Ubuntu."
    )
    parser.add_argument("--gate", action="store_true", help="run .ci/run there instead")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="use the root there, or make it there, and leave it")
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run this there instead, in the clone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
