"""What `sshore top` shows."""

import pytest

from sshore.cli.live_use import columns, points_for, rows
from sshore.cli.sparkline import sparkline
from sshore.schema.live_use_messages import GpuUseMessage, LiveUseMessage, UsePointMessage


@pytest.mark.parametrize(
    ("values", "width", "most", "shown"),
    [
        ([0.0, 0.5, 1.0], 3, 1.0, "▁▅█"),
        ([1.0], 4, 1.0, "█"),
        ([None, 2.0, None, 1.0], 4, 0.0, " █ ▅"),
        ([9.0, 0.0, 1.0], 2, 2.0, "▁▅"),
        ([0.0, 0.0], 2, 0.0, "▁▁"),
        ([3.0], 1, 2.0, "█"),
        ([], 2, 1.0, ""),
    ],
)
def test_a_sparkline(values: list[float | None], width: int, most: float, shown: str) -> None:
    assert sparkline(values, width, most) == shown


def test_a_sparkline_where_there_is_only_ascii() -> None:
    assert sparkline([0.0, 1.0], 2, 1.0, encoding="ascii") == "_#"


def use(name: str, cpus: float | None, gpus: GpuUseMessage | None = None) -> LiveUseMessage:
    now = UsePointMessage(cpus, 3 << 19, 0.0, 2048.0, None, None, gpus)
    return LiveUseMessage(name[0], name, "ann", "sandbox", cpus_limit=2.0, now=now, history=[now])


def test_the_busiest_comes_first_and_what_is_not_known_is_a_dash() -> None:
    table = rows([use("idle", None), use("busy", 1.5)], everyone=True, points=1, encoding="utf-8")
    assert columns([use("idle", None)], everyone=True, points=1)[:2] == ["NAME", "OWNER"]
    assert table == [
        ["busy", "ann", "1.50/2", "▇", "1.5M", "█", "0B 2K", "-"],
        ["idle", "ann", "-/2", " ", "1.5M", "█", "0B 2K", "-"],
    ]


def test_gpus_have_a_column_where_a_session_has_some() -> None:
    sessions = [use("with", 1.0, GpuUseMessage(2, 0.4, 8 << 30)), use("without", 0.5)]
    assert "GPU" not in columns(sessions[1:], everyone=False, points=1)
    at = columns(sessions, everyone=False, points=1).index("GPU")
    table = rows(sessions, everyone=False, points=1, encoding="utf-8")
    assert [row[at : at + 2] for row in table] == [["40% of 2", "8G"], ["", ""]]


def test_a_narrow_terminal_gets_fewer_bars() -> None:
    assert points_for(80) < points_for(200) == points_for(0)


def test_the_narrowest_terminals_get_no_bars() -> None:
    points = points_for(60)
    assert columns([use("busy", 1.5)], everyone=False, points=points) == [
        "NAME", "CPU", "MEMORY", "DISK R/W", "NET IN/OUT",
    ]  # fmt: skip
    table = rows([use("busy", 1.5)], everyone=False, points=points, encoding="utf-8")
    assert table == [["busy", "1.50/2", "1.5M", "0B 2K", "-"]]
