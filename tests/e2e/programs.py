"""Programs that tests need: a missing one is a visible skip on a user's machine, and a failure in CI."""

import os
import shutil

import pytest


def need(*names: str) -> None:
    """Go on only where these programs are installed."""
    need_that(
        all(map(shutil.which, names)), f"not installed here: {', '.join(n for n in names if not shutil.which(n))}"
    )


def need_that(it_is_there: bool, otherwise: str) -> None:
    """Go on only where something is there; `otherwise` says what is not."""
    if it_is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(otherwise)
    pytest.skip(otherwise)
