import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from sshore.cli.output import age, print_json, print_pairs, print_table, progress


@dataclass
class Thing:
    name: str
    parts: list[str]


def test_a_table_without_a_terminal_is_aligned_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["NAME", "STATE"], [["demo", "running"], ["a-long-name", "stopped"]], "none")
    assert capsys.readouterr().out == "NAME         STATE\ndemo         running\na-long-name  stopped\n"


def test_an_empty_table_says_what_to_do_and_leaves_stdout_empty(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["NAME"], [], "make one with: sshore run demo")
    assert capsys.readouterr() == ("", "make one with: sshore run demo\n")


def test_json_has_the_messages_fields(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Thing("demo", ["ssh"])])
    assert json.loads(capsys.readouterr().out) == [{"name": "demo", "parts": ["ssh"]}]


def test_pairs_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs([("name", "demo"), ("reason", "")])
    assert capsys.readouterr().out == "name  demo\n"


def test_progress_without_a_terminal_says_each_change_once(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("waits") as say:
        for text in ("waits", "waits for memory", "waits for memory"):
            say(text)
    assert capsys.readouterr().err == "waits for memory\n"


@pytest.mark.parametrize(("seconds", "shown"), [(5, "5s"), (125, "2m"), (7300, "2h"), (200000, "2d")])
def test_age_has_one_unit(seconds: int, shown: str) -> None:
    assert age((datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()) == shown
