"""A row of values as a row of little bars."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-:=+*#"
"""For terminals that have no others."""


def sparkline(values: Sequence[float | None], width: int, most: float = 0.0, *, encoding: str = "utf-8") -> str:
    """The last `width` values, the newest on the right; a gap where there is none. `most` is a full bar's value,
    unless one is larger. Not filled up: a terminal that is narrow would break the row there."""
    shown = list(values)[-width:] if width > 0 else []
    top = max([most, *(value for value in shown if value is not None)])
    bars = _BARS if _has(encoding, _BARS) else _PLAIN_BARS
    return "".join(_bar(value, top, bars) for value in shown)


def _bar(value: float | None, top: float, bars: str) -> str:
    if value is None:
        return " "
    if top <= 0:
        return bars[0]
    return bars[min(int(max(value, 0) / top * len(bars)), len(bars) - 1)]


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
