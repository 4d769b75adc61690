"""`python -m hosts SUITE`: goes through Sshore on a fresh machine; or runs the gate, or a command, there."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from hosts.machine import run_in
from hosts.root_files import CLONE, fresh_root, kept_root

SUITES = ("bookworm", "trixie", "sid")
_GATE_S = 5400


def main() -> int:
    arguments = _arguments()
    missing = [name for name in ("debootstrap", "slirp4netns", "unshare", "git") if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        raise SystemExit(f"new_host needs root, and {', '.join(missing)}" if missing else "new_host needs root")
    with kept_root(arguments.suite, arguments.keep) if arguments.keep else fresh_root(arguments.suite) as root:
        command = arguments.command or ["bash", ".ci/run"]
        return run_in(root, "env", "-C", f"/{CLONE}", *command, timeout_s=_GATE_S)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/new_host", description="Go through Sshore on a fresh machine.")
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="use the root there, or make it there, and leave it")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
