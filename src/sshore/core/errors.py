"""Everything that can be refused. One root, a few kinds; each kind has a default code and composes
a message that says what is wrong and what to do next.

    SshoreError
    ├── InvalidInput        what was asked is malformed or makes no sense
    ├── Unauthenticated     no token, an unknown one, or an expired one
    ├── Forbidden           known, but not allowed
    │   └── QuotaExceeded   allowed, but not this much
    ├── NotFound            does not exist, or is not the caller's to know of
    ├── Conflict            does not go with the state things are in
    ├── EngineFailed        the engine tried and could not
    └── Unavailable         cannot be answered now; worth trying again
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sshore.wire.problems import Code, Problem


class SshoreError(Exception):
    """The root: a refusal with a stable code, a message for the user, and structured fields."""

    default_code: ClassVar[Code] = Code.INTERNAL

    def __init__(self, detail: str, /, *, code: Code | None = None, **fields: Any) -> None:
        super().__init__(detail)
        self.problem = Problem(code or self.default_code, detail, fields)


class InvalidInput(SshoreError):
    default_code = Code.INVALID_INPUT


class Unauthenticated(SshoreError):
    default_code = Code.UNAUTHENTICATED


class Forbidden(SshoreError):
    default_code = Code.FORBIDDEN


class QuotaExceeded(Forbidden):
    default_code = Code.QUOTA_EXCEEDED


class NotFound(SshoreError):
    default_code = Code.NOT_FOUND


class Conflict(SshoreError):
    default_code = Code.CONFLICT


class EngineFailed(SshoreError):
    default_code = Code.ENGINE_FAILED


class Unavailable(SshoreError):
    default_code = Code.UNAVAILABLE


@contextmanager
def first_failure() -> Iterator[None]:
    """A task group's one failure as itself, for whoever reports it to the user."""
    try:
        yield
    except ExceptionGroup as group:
        raise group.exceptions[0] from group
