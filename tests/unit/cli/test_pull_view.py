"""What a pull shows where there is no terminal."""

import pytest

from sshore.cli.pull_view import amount, pull_view
from sshore.schema.session_messages import PullMessage


def test_a_line_for_each_tenth_and_layer(capsys: pytest.CaptureFixture[str]) -> None:
    with pull_view("box is starting") as show:
        show("box is starting")
        for done in range(101):
            show(f"{done} of 100", PullMessage("x", 2, 0, done, 100))
        show("the first layer is done", PullMessage("x", 2, 1, 100, 100))
        show("box is starting: nearly", None)
    lines = capsys.readouterr().err.splitlines()
    tenths = [f"{done} of 100" for done in range(0, 101, 10)]
    assert lines == [*tenths, "the first layer is done", "box is starting: nearly"]


def test_what_is_not_known_is_not_said() -> None:
    assert amount(PullMessage("x")) == ""
    assert amount(PullMessage("x", layers=3, layers_done=1)) == "1 of 3 layers"
    assert amount(PullMessage("x", 3, 1, 512, 1024)) == "512 B of 1 KiB, 1 of 3 layers"
