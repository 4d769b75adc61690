"""Errors to one line on stderr and an exit status."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sshore.cli.local_user import config_root
from sshore.core.errors import NotFound, SshoreError
from sshore.core.names import suggestion
from sshore.sdk.errors import ApiError
from sshore.sdk.sftp.names import bytes_escaped, shown
from sshore.wire.problems import Code

if TYPE_CHECKING:
    from sshore.sdk.client import Client

FAILED, USAGE, NOT_FOUND, REFUSED, UNAVAILABLE = 1, 2, 3, 4, 5

_CANNOT_WRITE = (errno.EACCES, errno.EPERM, errno.EROFS)

_STATUS = {
    Code.INVALID_INPUT: USAGE,
    Code.NOT_FOUND: NOT_FOUND,
    Code.UNAUTHENTICATED: REFUSED,
    Code.TOKEN_EXPIRED: REFUSED,
    Code.USER_DISABLED: REFUSED,
    Code.TOO_MANY_ATTEMPTS: REFUSED,
    Code.FORBIDDEN: REFUSED,
    Code.TOKEN_SCOPE: REFUSED,
    Code.ROOT_NOT_ALLOWED: REFUSED,
    Code.ALLOWANCE_EXCEEDED: REFUSED,
    Code.QUOTA_EXCEEDED: REFUSED,
    Code.REGISTRY_LOGIN: REFUSED,
    Code.NO_LINK: UNAVAILABLE,
    Code.UNAVAILABLE: UNAVAILABLE,
}


def exit_status(error: SshoreError) -> int:
    return _STATUS.get(error.problem.code, FAILED)


def report(error: SshoreError) -> int:
    """Say on stderr what is wrong and what to do; the exit status is returned."""
    say(error.problem.detail)
    return exit_status(error)


def report_os_error(error: OSError) -> int:
    """A file of the user's own that cannot be read or written is no reason for a traceback."""
    say(describe_os_error(error))
    return FAILED


def describe_os_error(error: OSError) -> str:
    where = f"{shown(os.fsdecode(error.filename))}: " if error.filename is not None else ""
    return f"{where}{error.strerror or error}{_way_out(error)}"


def _way_out(error: OSError) -> str:
    """What to do where the config directory cannot be written."""
    if error.errno not in _CANNOT_WRITE or error.filename is None:
        return ""
    try:
        config = config_root(os.environ)
    except SshoreError:
        return ""
    path = Path(os.fsdecode(error.filename)).absolute()
    if not path.is_relative_to(config) and not config.is_relative_to(path):
        return ""
    return (
        f"; sshore keeps what it needs in {shown(str(config))}: make that writable, or choose another directory for "
        "this and all that follows: SSHORE_CONFIG_DIR=DIR sshore login URL"
    )


def say(message: str) -> None:
    """One line for the user that is not the command's output. It may quote a server or a file's name: nothing in it
    gives orders to the terminal."""
    harmless = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in bytes_escaped(message))
    print(f"sshore: {harmless}", file=sys.stderr)


@contextmanager
def suggesting(client: "Client", ref: str) -> Iterator[None]:
    """Where a session is not found, say which ones there are that have such a name."""
    try:
        yield
    except ApiError as error:
        if error.problem.code is not Code.NOT_FOUND or "did you mean" in error.detail:
            raise
        raise NotFound(f"{error.detail.rstrip('.')}{_hint(client, ref)}") from error


def _hint(client: "Client", ref: str) -> str:
    try:
        sessions = client.sessions()
    except SshoreError:
        return ""
    if any(ref in (session.name, session.id) for session in sessions):  # it is something else that is not found
        return ""
    return suggestion(ref, [session.name for session in sessions])
