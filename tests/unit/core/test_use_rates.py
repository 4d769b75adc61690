"""Rates between readings, and what is kept of them."""

import pytest

from sshore.core.live_use import MOST_POINTS, GpuReading, History, Point, Reading, Totals


def test_rates_are_by_the_time_between_two_readings() -> None:
    history = History()
    history.add(100.0, Reading(7.0, 500, 1000, 0, 10, None))
    assert history.newest == Point(memory_bytes=500)
    history.add(108.0, Reading(11.0, 700, 9000, 80, 10, None, GpuReading(2, 0.5, 99)))
    assert history.newest == Point(0.5, 700, 1000.0, 10.0, 0.0, None, GpuReading(2, 0.5, 99))


def test_a_counter_that_shrinks_is_no_negative_rate() -> None:
    history = History()
    for at_s, cpu_s in ((0.0, 5.0), (5.0, 4.0)):
        history.add(at_s, Reading(cpu_s))
    assert history.newest.cpus == 0


def test_looks_that_come_early_are_left_out_and_the_next_counts_for_them() -> None:
    history = History()
    for at_s in (0.0, 0.5, 1.0, 3.9, 5.0):
        history.add(at_s, Reading(at_s * 2))
    assert [point.cpus for point in history] == [None, 2.0]


def test_history_is_bounded() -> None:
    history = History()
    for number in range(MOST_POINTS + 30):
        history.add(number * 5.0, Reading(0.0, number))
    assert len(history) == MOST_POINTS and history.newest.memory_bytes == MOST_POINTS + 29


@pytest.mark.parametrize("before", [None, Reading(1.0, 5, 1, 1, 1, 1)])
def test_sums_count_what_was_used_since_the_look_before(before: Reading | None) -> None:
    totals = Totals(cpu_s=3.0)
    totals.begin_again()
    totals.add(before, Reading(2.5, 50, 11, None, 1, 0, GpuReading(4, 0.25)))
    assert (totals.sessions, totals.memory_bytes, totals.gpus_busy) == (1, 50, 1.0)
    grown = (1.5, 10) if before else (0, 0)
    assert (totals.cpu_s, totals.read_bytes) == (3.0 + grown[0], grown[1])
    assert (totals.written_bytes, totals.received_bytes, totals.sent_bytes) == (0, 0, 0)
