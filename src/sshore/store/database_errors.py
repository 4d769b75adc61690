"""What the databases' errors mean: the one place where they become the core's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sshore.core.errors import Conflict, InvalidInput, SshoreError, Unavailable
from sshore.wire.problems import Code

log = logging.getLogger("sshore.store")

_DISK_FULL = "53100"
_FOREIGN_KEY = "23503"
"""SQLSTATEs (PostgreSQL's manual, appendix A)."""


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise the core's errors in place of the database's; `place` is where it is, without a password."""
    try:
        yield
    except IntegrityError as error:
        raise _broken_rule(error) from error
    except DataError as error:  # a text too long for its column, or with a NUL in it; SQLite takes both
        raise InvalidInput(f"the database cannot hold this: {_first_line(error)}") from error
    except DBAPIError as error:
        raise _unavailable(error, place) from error
    except PoolTimeout as error:
        raise Unavailable(f"the database at {place} is too busy: try again in a moment") from error


def _broken_rule(error: IntegrityError) -> Conflict:
    state = getattr(error.orig, "sqlstate", None)
    if state == _FOREIGN_KEY or "FOREIGN KEY" in str(error.orig):
        return Conflict("what this belongs to, or what belongs to it, stands in the way: list it again")
    return Conflict("something of that name exists already", code=Code.NAME_TAKEN)


def _unavailable(error: DBAPIError, place: str) -> SshoreError:
    reason = _first_line(error)
    if getattr(error.orig, "sqlstate", None) == _DISK_FULL:
        return Unavailable(
            f"the disk of the database at {place} is full: free some space and try again", code=Code.STORAGE_FULL
        )
    if "disk is full" in reason:  # SQLite's words (SQLITE_FULL)
        return Unavailable(
            "the disk of the server's state directory is full: free some space and try again", code=Code.STORAGE_FULL
        )
    return Unavailable(f"the database at {place} cannot be used: {reason}")


def _first_line(error: DBAPIError) -> str:
    """What the database said; its further lines are hints for programmers, and may quote what was to be stored."""
    lines = str(error.orig).splitlines()
    return lines[0].strip() if lines else type(error.orig).__name__
