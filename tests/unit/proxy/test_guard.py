"""Who may speak to the local API."""

import pytest

from sshore.proxy.guard import refusal
from sshore.wire.problems import Code

OWN = {"host": "127.0.0.1:5000", "origin": None, "authorization": "Bearer secret"}


def check(**changes: str | None) -> Code | None:
    problem = refusal(**{**OWN, **changes}, port=5000, token="secret")  # type: ignore[arg-type]
    return problem.code if problem else None


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:5000", "LOCALHOST:5000"])
def test_the_cli_is_let_in(host: str) -> None:
    assert check(host=host) is None


def test_the_local_console_is_let_in() -> None:
    assert check(origin="http://127.0.0.1:5000") is None


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:5001", ""])
def test_web_pages_are_not(origin: str) -> None:
    assert check(origin=origin) is Code.FORBIDDEN


@pytest.mark.parametrize("host", ["evil.example:5000", "127.0.0.1", "127.0.0.1:5001", ""])
def test_a_name_that_merely_resolves_to_this_machine_is_not(host: str) -> None:
    assert check(host=host) is Code.FORBIDDEN


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer other", "Basic secret", "Bearer s\xe9cret"])
def test_the_token_is_needed(authorization: str) -> None:
    assert check(authorization=authorization) is Code.UNAUTHENTICATED
