"""What a server writes into its log, where somebody has it fail again and again."""

import logging

import pytest

from sshore.server.logs import Repeats


def fail(place: int) -> Exception:
    try:
        if place == 1:
            raise ValueError("one")
        raise KeyError("two")
    except (ValueError, KeyError) as error:
        return error


@pytest.fixture
def written() -> list[str]:
    """The lines of a log that has the filter."""
    lines: list[str] = []
    log = logging.Logger("faulty")
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(  # type: ignore[method-assign]
        f"{record.getMessage()} {getattr(record, 'repeats', '')}".strip()
    )
    handler.addFilter(Repeats())
    log.addHandler(handler)
    for _ in range(100):
        error = fail(1)
        log.error("a request failed", exc_info=error)
        log.error("Exception in ASGI application", exc_info=error)
    log.error("a request failed", exc_info=fail(2))
    log.error("no fault")
    log.error("no fault")
    return lines


def test_a_fault_is_told_once_whoever_tells_it(written: list[str]) -> None:
    assert written == ["a request failed", "a request failed", "no fault", "no fault"]


def test_after_a_while_it_is_told_again_with_how_often_it_was_seen() -> None:
    repeats = Repeats()
    shown = []
    for second in (0, 1, 2, 3601, 3602):
        error = fail(1)
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, (type(error), error, error.__traceback__))
        record.created = float(second)
        if repeats.filter(record):
            shown.append((second, getattr(record, "repeats", 0)))
    assert shown == [(0, 0), (3601, 2)]
