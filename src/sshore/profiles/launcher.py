"""The program in the config directory that the managed ssh_config names: it finds Sshore where that was, or where a
newer Python has it, or says what to do."""

from collections.abc import Sequence

_TEXT = """\
# Written by `sshore config-ssh`, which renews it. `ssh` runs it by `python -I -S` to reach a session.
import os
import sys

sys.path.append({packages!r})
try:
    from sshore.cli.entry import main
except ModuleNotFoundError:  # it has got a newer Python, or has moved
    again = {again!r}
    if os.path.exists(again[-1]):
        os.execv(again[0], [*again, *sys.argv[1:]])
    sys.exit("sshore: it is no longer where it was, in " + {packages!r} + ": run once more: sshore config-ssh")
sys.exit(main())
"""


def launcher(packages: str, again: Sequence[str]) -> str:
    """The program's text. `packages` is the directory that holds the package; `again` the longer way, whose last word
    is a file."""
    return _TEXT.format(packages=packages, again=list(again))
