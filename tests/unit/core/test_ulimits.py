import pytest

from sshore.core.errors import InvalidInput
from sshore.core.sessions import Resources
from sshore.core.ulimits import UNLIMITED, Ulimit, parse_ulimit


def test_soft_and_hard_are_read_and_written_alike() -> None:
    assert parse_ulimit("nofile=4096:8192") == Ulimit("nofile", 4096, 8192)
    assert parse_ulimit("core=0") == Ulimit("core", 0, 0)
    assert parse_ulimit("memlock=unlimited") == Ulimit("memlock", UNLIMITED, UNLIMITED)
    for text in ("nofile=4096:8192", "core=0:0", "stack=8388608:unlimited"):
        assert str(parse_ulimit(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nofile", "give NAME=SOFT"),
        ("nofile=", "neither a number nor unlimited"),
        ("nofile=-1", "neither a number nor unlimited"),
        ("nofile=many", "'many' is neither"),
        ("nofile=9000:4096", "the first number is above the second"),
        ("nofile=unlimited:4096", "the first number is above the second"),
        ("nofile=3", "leaves SSH too little: give 64 or more"),
        ("nofiles=4096", "did you mean nofile"),
        ("rtprio=99", "there is no ulimit 'rtprio'"),
        (f"core={1 << 64}", "cannot be"),
    ],
)
def test_what_is_none_is_refused_in_words(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_ulimit(text)


def test_one_is_not_given_twice() -> None:
    with pytest.raises(InvalidInput, match="given twice"):
        Resources(ulimits=(parse_ulimit("core=0"), parse_ulimit("core=1")))


@pytest.mark.parametrize(
    "limits", [{"shm_bytes": 1}, {"disk_bytes": 1}, {"shm_bytes": 65 << 20, "memory_bytes": 64 << 20}]
)
def test_sizes_that_no_session_could_live_with_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        Resources(**limits)  # type: ignore[arg-type]
