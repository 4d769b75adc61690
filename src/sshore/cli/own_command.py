"""How this program is run again: from `ssh`, or from an editor without the user's PATH. By `os` alone: `ssh` waits."""

import os
import sys


def own_command() -> list[str]:
    """The command that runs this program again."""
    script = sys.argv[0]
    if os.path.basename(script).partition(".")[0] == "sshore" and os.path.isfile(script):
        return [os.path.abspath(script)]
    # -P: not from the directory in which `ssh` is called.
    return [sys.executable, "-P", "-m", "sshore.cli.entry"]
