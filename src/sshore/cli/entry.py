"""`main`: reads the environment, goes the fast way or to click.

`ssh` waits for `sshore stream`, and a user for `sshore ssh`: they go without click, which takes longer
to load than they to connect.
"""

import gc
import os
import sys

from sshore.cli.own_command import PACKAGES, is_listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FAST = ("stream", "ssh", "sftp", "cp", "certify")
_OBJECTS_BEFORE_COLLECTION = 20_000
"""Python's 700 make it look for garbage again and again while modules load, in vain: a tenth of a command's time."""


def main() -> int:
    """The entry point; returns the exit status."""
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    leave_out()
    open_standard_streams()
    guard_terminals()
    try:
        return _written(_run(sys.argv[1:]))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone (`sshore ls | head`)
        _forget_output()
        return 1


def leave_out() -> None:
    """Look for packages nowhere that only PYTHONPATH names: they are of another Python, and may fail in this one.

    Where it names this very package, they are its own. Isolation (-I) is what our own commands have; the user's shell
    runs the console script without."""
    if "PYTHONPATH" in os.environ and not is_listed(PACKAGES):
        sys.path[:] = [place for place in sys.path if not is_listed(place)]


def open_standard_streams() -> None:
    """Have a stdin, stdout and stderr, though they were closed: a socket must not come to be one of them. And what the
    locale has no letter for is written escaped."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            setattr(sys, name, open(descriptor, mode, closefd=False))  # noqa: SIM115 - it stays open
    if sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def guard_terminals() -> None:
    """Let nothing that others wrote give orders to the terminal, where there is one."""
    if sys.stdout.isatty() or sys.stderr.isatty():
        from sshore.cli.terminal import guard_streams

        guard_streams()


def _run(arguments: list[str]) -> int:
    if arguments and arguments[0] in _FAST and "--help" not in arguments[1:2]:
        return _run_fast(arguments[0], arguments[1:])
    from sshore.cli.launch import load_site

    load_site()
    from sshore.cli.root import run

    return run(arguments)


def _run_fast(name: str, arguments: list[str]) -> int:
    if sys.flags.no_site and name != "stream":  # which does so only where it must
        from sshore.cli.launch import load_site

        load_site()
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


def _written(status: int) -> int:
    """The exit status when all output is written: here, and not at the interpreter's end, which has words of its own
    for a disk that is full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_output()
        return status or _report(OSError(error.errno, f"the output cannot be written: {error.strerror}"))
    return status


def _forget_output() -> None:
    """What could not be written is not tried again when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _command(name: str) -> "Callable[[Mapping[str, str], list[str]], int]":
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
