"""What the administrator sets in the environment for all users."""

import pytest

from sshore.core.errors import InvalidInput
from sshore.server.settings import Settings


def test_defaults_and_the_maximum_are_written_as_allowances_are() -> None:
    environment = {"SSHORE_ALLOWANCES": "sessions=20, cpus=8 memory=32g", "SSHORE_ALLOWANCES_MAXIMUM": "cpus=64"}
    settings = Settings.from_environment(environment)
    assert settings.allowances == {"sessions": 20, "cpus": 8.0, "memory_bytes": 32 << 30}
    assert settings.allowances_maximum == {"cpus": 64.0}
    assert Settings.from_environment({}).allowances == {}


def test_a_slip_says_which_variable_it_is_in() -> None:
    with pytest.raises(InvalidInput, match=r"SSHORE_ALLOWANCES: there is no allowance 'cpu'; did you mean cpus"):
        Settings.from_environment({"SSHORE_ALLOWANCES": "cpu=8"})
