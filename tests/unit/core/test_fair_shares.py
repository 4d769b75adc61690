"""Who gets room next, and what of an allowance a session takes."""

from datetime import UTC, datetime
from itertools import count

import pytest

from sshore.core.allowances import Allowance
from sshore.core.fair_shares import beyond, in_turn, short_of_allowance, within
from sshore.core.ids import SessionId, UserId
from sshore.core.sessions import MOST_PIDS, Capacity, Resources, Session
from sshore.core.states import SessionState

MACHINE = Capacity(cpus=8, memory_bytes=16 << 30, gpus=2)
_numbers = count()


def session(owner: str, **resources: float) -> Session:
    number = next(_numbers)
    return Session(
        SessionId(f"{owner}{number}"),
        UserId(owner),
        f"{owner}{number}",
        SessionState.PENDING,
        datetime(2026, 1, 1, tzinfo=UTC),
        "sandbox",
        resources=Resources(**resources),  # type: ignore[arg-type]
    )


def turns(
    pending: list[Session], held: list[Session], favoured: set[SessionId] | None = None
) -> list[tuple[str, bool]]:
    """Owners in the order of their turns, and whether each one's session starts."""
    return [(one.owner_id, not missing) for one, missing in in_turn(pending, held, MACHINE, favoured or set())]


def test_whoever_uses_least_goes_first() -> None:
    held = [session("ann", cpus=5)]
    pending = [session("ann", cpus=1), session("ann", cpus=1), session("bob", cpus=2)]
    assert turns(pending, held) == [("bob", True), ("ann", True), ("ann", False)]


def test_users_who_use_the_same_take_turns() -> None:
    pending = [*(session("ann", cpus=2) for _ in range(3)), *(session("bob", cpus=2) for _ in range(3))]
    assert [owner for owner, starts in turns(pending, []) if starts] == ["ann", "bob", "ann", "bob"]


def test_memory_and_gpus_are_use_as_well() -> None:
    held = [session("ann", memory_bytes=12 << 30), session("bob", cpus=1), session("cid", gpus=1)]
    pending = [session(owner, cpus=1) for owner in ("ann", "cid", "bob")]
    assert [owner for owner, _ in turns(pending, held)] == ["bob", "cid", "ann"]


def test_a_session_keeps_its_place_before_those_behind_it() -> None:
    held = [session("ann", cpus=6)]
    assert turns([session("bob", cpus=4), session("cid", cpus=5)], held) == [("bob", False), ("cid", False)]


def test_nobody_waits_for_ever() -> None:
    """Whoever uses much, too, comes before all others after a time; and what would overtake waits."""
    held = [session("ann", cpus=6)]
    long_waiting = session("ann", cpus=4)
    pending = [long_waiting, session("bob", cpus=2)]
    assert turns(pending, held) == [("bob", True), ("ann", False)]
    assert turns(pending, held, {long_waiting.id}) == [("ann", False), ("bob", False)]


def test_an_allowance_is_shared_by_what_runs() -> None:
    allowance = Allowance(cpus=4, gpus=1)
    assert short_of_allowance(Resources(cpus=2), allowance, [Resources(cpus=2)]) == ""
    assert short_of_allowance(Resources(cpus=2), allowance, [Resources(cpus=3)]) == "2 CPUs (1 of 4 are free)"
    assert short_of_allowance(Resources(gpus=1), allowance, [Resources(gpus=1)]) == "1 GPU (0 of 1 are free)"
    assert short_of_allowance(Resources(gpus=9, memory_bytes=1 << 40), Allowance(cpus=4), []) == ""


def test_a_session_that_says_nothing_takes_a_quarter() -> None:
    allowance = Allowance(cpus=8, memory_bytes=32 << 30, pids=500)
    assert within(Resources(), allowance) == Resources(cpus=2, memory_bytes=8 << 30, pids=500)
    assert within(Resources(cpus=8, pids=20), Allowance(cpus=8)) == Resources(cpus=8, pids=20)
    assert within(Resources(), Allowance(pids=MOST_PIDS)) == Resources(), "engines give it where they can"
    assert within(Resources(), Allowance()) == Resources()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Resources(cpus=9), "9 CPUs, and your allowance is 8"),
        (Resources(memory_bytes=4 << 30), "4 GiB of memory, and your allowance is 2 GiB"),
        (Resources(gpus=1), "1 GPUs, and your allowance is 0"),
        (Resources(pids=600), "600 processes, and your allowance is 500"),
        (Resources(cpus=8, memory_bytes=2 << 30, pids=500), ""),
    ],
)
def test_what_an_allowance_never_gives_is_named(wanted: Resources, said: str) -> None:
    assert beyond(wanted, Allowance(cpus=8, memory_bytes=2 << 30, gpus=0, pids=500)) == said
