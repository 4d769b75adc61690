"""The throttle: who guesses waits longer and longer, everybody else does not."""

import pytest
from world import SetClock

from sshore.core.errors import Unavailable
from sshore.services.people import throttle
from sshore.services.people.throttle import LoginThrottle, Throttle
from sshore.wire.problems import Code


def test_after_the_free_attempts_each_one_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    clock, waits = SetClock(), []
    guessing = Throttle(clock, free=3)
    for _ in range(16):
        wait = guessing.wait("ann")
        waits.append(wait.total_seconds())
        clock.time += wait
        guessing.count("ann")
    assert waits[:7] == [0, 0, 0, 1, 2, 4, 8]
    assert waits[-1] == 900


def test_a_quiet_hour_makes_a_key_new() -> None:
    clock = SetClock()
    guessing = Throttle(clock, free=1)
    for _ in range(8):
        guessing.count("ann")
    clock.advance(hours=1.1)
    guessing.count("ann")
    assert guessing.wait("ann").total_seconds() == 1


def test_memory_is_bounded_and_the_latest_guessers_stay_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_KEYS", 3)
    guessing = Throttle(SetClock(), free=1)
    for key in ("a", "b", "a", "c", "d"):
        guessing.count(key)
    assert [guessing.wait(key).total_seconds() > 0 for key in ("a", "b", "c", "d")] == [True, False, True, True]


def test_a_refusal_says_when_to_come_back() -> None:
    logins = LoginThrottle(SetClock(), free_by_name=1)
    logins.attempt("ann", "192.0.2.1")
    with pytest.raises(Unavailable, match="try again in 1 s") as refusal:
        logins.attempt("ann", "192.0.2.2")
    assert refusal.value.problem.code is Code.TOO_MANY_ATTEMPTS
    assert refusal.value.problem.status == 429
    assert refusal.value.problem.fields["retry_after_s"] == 1


def test_one_address_that_tries_many_names_is_slowed_down_and_a_success_does_not_free_it() -> None:
    logins = LoginThrottle(SetClock(), free_by_address=3)
    for name in ("a", "b", "c"):
        logins.attempt(name, "192.0.2.1")
        logins.succeeded(name, "192.0.2.1")
    with pytest.raises(Unavailable):
        logins.attempt("d", "192.0.2.1")
    logins.attempt("d", "192.0.2.9")


def test_wrong_passwords_by_strangers_lock_nobody_out() -> None:
    logins = LoginThrottle(SetClock(), free_by_name=21)
    logins.attempt("ann", "192.0.2.1")
    logins.succeeded("ann", "192.0.2.1")
    for stranger in range(4):
        for _ in range(5):
            logins.attempt("ann", f"198.51.100.{stranger}")
    with pytest.raises(Unavailable):  # of whom there are many: all of them together are slowed down
        logins.attempt("ann", "198.51.100.9")
    logins.attempt("ann", "192.0.2.1")  # where ann has logged in before
