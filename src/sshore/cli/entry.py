"""`main`: reads the environment, goes the fast way or to click.

`ssh` waits for `sshore stream`, and a user for `sshore ssh`: they go without click, which takes longer
to load than they to connect.
"""

import gc
import os
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper

_FAST = ("stream", "ssh", "sftp", "cp", "certify")
_OBJECTS_BEFORE_COLLECTION = 20_000
"""Python's 700 make it look for garbage again and again while modules load, in vain: a tenth of a command's time."""


def main() -> int:
    """The entry point; returns the exit status."""
    arguments = sys.argv[1:]
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    if isinstance(sys.stdout, TextIOWrapper):  # a name may hold what the user's encoding has not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if arguments and arguments[0] in _FAST and "--help" not in arguments[1:2]:
            return _run_fast(arguments[0], arguments[1:])
        from sshore.cli.root import run

        return run(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone (`sshore ls | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _run_fast(name: str, arguments: list[str]) -> int:
    if name != "cp":
        gc.disable()  # they live for milliseconds, or copy from one buffer for hours
    try:
        return _command(name)(os.environ, arguments)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _report(error)


def _report(error: Exception) -> int:
    from sshore.cli.failures import report, report_os_error
    from sshore.core.errors import SshoreError

    if isinstance(error, SshoreError):
        return report(error)
    if isinstance(error, OSError):
        return report_os_error(error)
    raise error


def _command(name: str) -> Callable[[Mapping[str, str], list[str]], int]:
    if name == "stream":
        from sshore.cli.connecting.stream import run_stream

        return run_stream
    if name == "certify":
        from sshore.cli.connecting.certify import run_certify

        return run_certify
    if name == "cp":
        from sshore.cli.copying.copy import run_copy
        from sshore.cli.local_user import user_from_environment

        return lambda environment, words: run_copy(user_from_environment(environment), words)
    from sshore.cli.connecting.openssh import run_sftp, run_ssh

    return run_ssh if name == "ssh" else run_sftp


if __name__ == "__main__":
    sys.exit(main())
