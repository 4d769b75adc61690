"""Allowances: the words people write, the numbers that cannot be, and which of several holds."""

import pytest

from sshore.core.allowances import (
    Allowance,
    allowance_of,
    check_limits,
    most_of_groups,
    parse_allowances,
    server_allowances,
)
from sshore.core.errors import InvalidInput


def test_people_write_words_and_units() -> None:
    limits, defaults = parse_allowances(
        [
            "sessions=5",
            "cpus=7.5",
            "memory=32g",
            "gpus=none",
            "ttl=8h",
            "idle-timeout=30m",
            "streams=default",
            "home=5g",
            "folders=1t",
        ]
    )
    assert limits == {
        "sessions": 5, "cpus": 7.5, "memory_bytes": 32 << 30, "gpus": None, "ttl_s": 28800.0, "idle_timeout_s": 1800.0,
        "home_bytes": 5 << 30, "folder_bytes": 1 << 40,
    }  # fmt: skip
    assert defaults == ["streams"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("session=5", "did you mean sessions?"),
        ("cpus", "say how much"),
        ("cpus=", "say how much"),
        ("cpus=many", "cpus=many: 'many' is no number"),
        ("cpus=nan", "cannot be"),
        ("cpus=inf", "cannot be"),
        ("sessions=1.5", "a whole number"),
        ("sessions=-1", "^sessions=-1 cannot be"),
        ("memory=1m", "from 32 MiB up"),
        ("ttl=never", "is no duration"),
        ("links=1", "from 2 up"),
        ("home=1k", "from 1 MiB up"),
        ("home=1q", "home=1q: '1q' is no size"),
    ],
)
def test_what_cannot_be_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_allowances([text])


@pytest.mark.parametrize("value", [True, "5", 1e300, [], -1])
def test_numbers_from_outside_are_checked(value: object) -> None:
    with pytest.raises(InvalidInput):
        check_limits({"sessions": value})
    with pytest.raises(InvalidInput, match="there is no allowance 'wishes'"):
        check_limits({"wishes": 1})


def test_the_users_own_comes_before_the_default_and_the_maximum_before_both() -> None:
    own, default = {"cpus": 16.0, "memory_bytes": None}, {"cpus": 4.0, "memory_bytes": 1 << 30, "gpus": 1}
    assert allowance_of(own, default, maximum={}) == Allowance(cpus=16.0, gpus=1)
    capped = allowance_of(own, default, maximum={"cpus": 8.0, "memory_bytes": 2 << 30, "sessions": 9})
    assert capped == Allowance(sessions=9, cpus=8.0, memory_bytes=2 << 30, gpus=1)


def test_of_several_groups_the_most_holds() -> None:
    given = most_of_groups([("lab", {"cpus": 2.0, "gpus": None}), ("course", {"cpus": 4.0, "gpus": 8, "links": 4})])
    assert given == {"cpus": ("course", 4.0), "gpus": ("lab", None), "links": ("course", 4)}
    assert most_of_groups([]) == {}


def test_a_small_server_keeps_descriptors_back() -> None:
    small, large = (server_allowances({}, {}, descriptors) for descriptors in (1024, 1 << 20))
    assert (small.members["streams"], large.members["streams"]) == (128, 512)
    assert small.maximum == {"streams": 256}
    assert "home_bytes" not in small.members
    assert server_allowances({}, {}, 1024, disk_bytes=400 << 30).members["home_bytes"] == 100 << 30
    assert server_allowances({"home_bytes": None}, {}, 1024, 400 << 30).members["home_bytes"] is None
    assert server_allowances({"streams": 9, "sessions": None}, {"cpus": 2.0}, 1024).members["streams"] == 9
