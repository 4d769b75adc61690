"""How this program is run again: from `ssh`, or from an editor without the user's PATH. By `os` alone: `ssh` waits.

Isolated (python(1), -I) from what the user's environment says of Python: PYTHONPATH is often another one's, whose
packages fail here.
"""

import os
import sys

PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The directory that holds the package `sshore`."""
_LAUNCHER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")


def own_command() -> list[str]:
    """The command that runs this program again."""
    script = sys.argv[0]
    if os.path.basename(script).partition(".")[0] == "sshore" and os.path.isfile(script):
        return [*_interpreter(), os.path.abspath(script)]
    if os.path.isfile(_LAUNCHER):
        return [sys.executable, *_isolation(), _LAUNCHER]
    return [sys.executable, "-P", "-m", "sshore.cli.entry"]  # -P: not from the directory in which `ssh` is called


def quick_command() -> list[str]:
    """The same for what needs nothing but the standard library: past `site` (-S) and the console script, which take
    longer to start than `ssh`. What does need more after all loads `site` then (`launch.load_site`)."""
    if sys.platform == "win32" or not os.path.isfile(_LAUNCHER):  # it lies in an archive, as a zipapp's does
        return own_command()
    # As UTF-8, because in other locales Python does not find each file whose name it is given as bytes.
    return [sys.executable, "-X", "utf8", "-I", "-S", _LAUNCHER]


def _interpreter() -> list[str]:
    """What runs a console script: Windows' is a program itself, which asks for no isolation (`entry.leave_out`)."""
    return [] if sys.platform == "win32" else [sys.executable, *_isolation()]


def _isolation() -> list[str]:
    """As much as leaves this program where it was found."""
    if is_listed(PACKAGES):
        return ["-P"]
    if getattr(sys.modules.get("site"), "USER_SITE", None) == PACKAGES:  # `pip install --user`: -I leaves it out
        return ["-E", "-P"]
    return ["-I"]


def is_listed(directory: str) -> bool:
    """Whether PYTHONPATH names a directory."""
    listed = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    return bool(listed) and os.path.abspath(directory) in map(os.path.abspath, listed.split(os.pathsep))
