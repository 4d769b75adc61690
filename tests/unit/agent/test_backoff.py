"""Reconnecting: soon at first, never more often than the cap says, and not in step with others."""

from sshore.agent.children import describe_exit
from sshore.agent.dial import FIRST_WAIT_S, LOCAL_CAP_S, Backoff


def test_the_first_attempt_comes_at_once_or_almost() -> None:
    assert all(0 <= Backoff().next_wait_s(LOCAL_CAP_S) <= FIRST_WAIT_S for _ in range(100))


def test_no_wait_is_longer_than_the_cap_however_many_attempts() -> None:
    backoff = Backoff()
    waits = [backoff.next_wait_s(LOCAL_CAP_S) for _ in range(1000)]
    assert max(waits) <= LOCAL_CAP_S
    assert max(waits) > LOCAL_CAP_S / 2, "it does back off"


def test_agents_do_not_come_back_in_step() -> None:
    backoff = Backoff()
    assert len({backoff.next_wait_s(LOCAL_CAP_S) for _ in range(50)}) > 45


def test_success_begins_anew() -> None:
    backoff = Backoff()
    for _ in range(20):
        backoff.next_wait_s(30)
    backoff.reset()
    assert backoff.next_wait_s(30) <= FIRST_WAIT_S


def test_an_exit_is_described_in_words() -> None:
    assert describe_exit(3) == "ended with exit status 3"
    assert describe_exit(-9) == "was killed by SIGKILL"
    assert describe_exit(-64) == "was killed by SIGRTMAX"
    assert describe_exit(-33) == "was killed by signal 33"
