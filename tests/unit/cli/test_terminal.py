"""What a terminal is given of what others wrote."""

import pytest

from sshore.cli.terminal import harmless


@pytest.mark.parametrize("text", ["", "plain", "한국어\ttab\nline", "e\u0301 👩\u200d💻 \u3000", "\u0645\u200c\u0645"])
def test_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\nb"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[38:2::1:2:3mred\x1b[m", "red"),
        ("\x1b]0;title\x07", "\ufffd]0;title\ufffd"),
        ("\x1b[2Jm", "\ufffd[2Jm"),
        ("\x1b[", "\ufffd["),
        ("\x1b[\x1b[31mm", "\ufffd[m"),
        ("\x9b31m\x85", "\ufffd31m\ufffd"),
        ("\u202eabc\u2066", "\ufffdabc\ufffd"),
        ("\u200eabc\u200f\u061c", "\ufffdabc\ufffd\ufffd"),
        ("\udc9b\udcff", "\ufffd\udcff"),
    ],
)
def test_orders_are_taken_out(text: str, shown: str) -> None:
    assert harmless(text) == shown
