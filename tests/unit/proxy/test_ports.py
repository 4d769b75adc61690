from itertools import islice

from sshore.proxy.ports import candidates


def test_the_wanted_port_comes_first_then_the_last_one_then_the_first_free() -> None:
    assert list(islice(candidates(12345, 11111, ()), 4)) == [12345, 11111, 10022, 10023]


def test_ports_of_other_forwards_are_left_alone() -> None:
    assert list(islice(candidates(10022, 10023, {10022, 10023, 10024}), 2)) == [10025, 10026]


def test_every_recommended_port_is_tried_once() -> None:
    tried = list(candidates(None, None, ()))
    assert sorted(tried) == list(range(10000, 65001))


def test_a_wanted_port_outside_the_recommended_ones_is_tried() -> None:
    assert next(candidates(2222, None, ())) == 2222


def test_ports_that_nobody_had_come_before_those_of_others_the_oldest_first() -> None:
    used = [10023, 10022, 22222]
    assert list(islice(candidates(None, None, (), used), 2)) == [10024, 10025]
    assert list(candidates(None, None, (), used))[-3:] == used
    assert next(candidates(None, 10022, (), used)) == 10022, "one's own last port is no other's"


def test_a_port_outside_the_recommended_ones_is_nobodys_next() -> None:
    assert 2222 not in list(candidates(None, None, (), [2222]))
