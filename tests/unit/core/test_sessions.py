"""What fits, what never could, and which transitions a session may make."""

import pytest

from sshore.core.errors import Conflict, InvalidInput
from sshore.core.folders import parse_mount
from sshore.core.sessions import Capacity, Mount, Resources, shortage
from sshore.core.states import SessionState, check_transition

MACHINE = Capacity(cpus=4, memory_bytes=8 << 30, gpus=1)


def test_a_session_without_limits_always_fits() -> None:
    assert shortage(Resources(), MACHINE, [Resources(cpus=4, memory_bytes=8 << 30, gpus=1)]) == ""


def test_what_is_missing_is_named_with_what_is_free() -> None:
    missing = shortage(
        Resources(cpus=2, memory_bytes=6 << 30, gpus=1), MACHINE, [Resources(cpus=3, memory_bytes=4 << 30)]
    )
    assert "2 CPUs (1 of 4 are free)" in missing
    assert "6 GiB of memory (4 GiB of 8 GiB are free)" in missing
    assert "GPU" not in missing


@pytest.mark.parametrize("limits", [{"cpus": 0}, {"memory_bytes": 1}, {"pids": 1}, {"gpus": -1}])
def test_limits_that_no_session_could_live_with_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        Resources(**limits)


def test_only_the_transitions_of_the_table_are_legal() -> None:
    check_transition(SessionState.STOPPED, SessionState.PENDING)
    with pytest.raises(Conflict):
        check_transition(SessionState.STOPPED, SessionState.RUNNING)


def test_mounts_lie_in_the_home_unless_said_otherwise() -> None:
    assert parse_mount("data") == Mount("data", "/home/work/data")
    assert parse_mount("data:sub/d:ro") == Mount("data", "/home/work/sub/d", read_only=True)
    assert parse_mount("data:/srv/data") == Mount("data", "/srv/data")


@pytest.mark.parametrize(
    "text", ["", "a:b:c", "data:/etc", "data:/proc/1", "data:..", "data:/home/work", "data:/", "..:x"]
)
def test_mounts_that_would_hide_the_session_itself_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_mount(text)
