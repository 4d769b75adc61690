"""Errors to one line and an exit status: what scripts rely on."""

from types import SimpleNamespace

import pytest

from sshore.cli.failures import exit_status, report, suggesting
from sshore.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    SshoreError,
    Unauthenticated,
    Unavailable,
)
from sshore.sdk.errors import ApiError
from sshore.wire.problems import Code, Problem


class Sessions:
    """Knows the session names that a server would list."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def sessions(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name, id=f"id-{name}") for name in self._names]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("x"), 2),
        (NotFound("x"), 3),
        (Unauthenticated("x"), 4),
        (Unauthenticated("x", code=Code.TOKEN_EXPIRED), 4),
        (Unavailable("x"), 5),
        (Conflict("x"), 1),
        (QuotaExceeded("x"), 4),
        (SshoreError("x"), 1),
    ],
)
def test_exit_statuses(error: SshoreError, status: int) -> None:
    assert exit_status(error) == status


def test_an_error_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    report(NotFound("there is none"))
    assert capsys.readouterr() == ("", "sshore: there is none\n")


def test_an_unknown_session_comes_with_names_like_it() -> None:
    missing = ApiError(Problem(Code.NOT_FOUND, "you have no session 'dmeo'"), 404)
    with pytest.raises(NotFound, match="did you mean demo"), suggesting(Sessions("demo", "other"), "dmeo"):  # type: ignore[arg-type]
        raise missing


def test_other_refusals_stay_as_they_are() -> None:
    refused = ApiError(Problem(Code.WRONG_STATE, "it runs"), 409)
    with pytest.raises(ApiError, match=r"^it runs$"), suggesting(Sessions("demo"), "demo"):  # type: ignore[arg-type]
        raise refused


def test_what_is_missing_in_a_session_that_is_there_is_not_answered_with_the_session() -> None:
    missing = ApiError(Problem(Code.NOT_FOUND, "there is no app 'foo'"), 404)
    with pytest.raises(NotFound, match=r"^there is no app 'foo'$"), suggesting(Sessions("demo"), "demo"):  # type: ignore[arg-type]
        raise missing
