"""The user settings: what they can be, and how they are read."""

import pytest

from sshore.core.errors import InvalidInput, SshoreError
from sshore.core.names import format_duration, parse_duration, parse_duration_or_never
from sshore.core.settings import check_setting, read_idle_timeout, read_mounts


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("key-type", ["rsa", "ed25519"], ["dsa"]),
        ("cpus", ["0.5", "2"], ["0", "-1", "many", "nan", "1e9"]),
        ("memory", ["512m", "4g"], ["1m", "much", "-4g"]),
        ("network", ["nat", "none", "host"], ["wifi"]),
        ("mounts", ["data", "data:/data:ro, models", "all"], ["data:/etc", "../x", "a:b:c:d"]),
        (
            "shell",
            ["zsh", "fish", "/home/work/.local/bin/fish"],
            [
                "zsh -l",
                "../zsh",
                "/bin/../sh",
                "/a:b",
                "-sh",
                "a\n",
                "nologin",
                "/bin/false",
                "/usr/bin",
                "bin/zsh",
                "/bin/",
            ],
        ),
        ("idle-timeout", ["30m", "never", "none", "8h"], ["0.1s", "soon", "30", "99999d"]),
    ],
)
def test_settings_are_checked_when_they_are_set(name: str, good: list[str], bad: list[str]) -> None:
    assert check_setting(name, "") == ""
    for value in good:
        assert check_setting(name, value) == value
    for value in bad:
        with pytest.raises(SshoreError):
            check_setting(name, value)


def test_mounts_and_time_outs_are_read() -> None:
    assert [(mount.target, mount.read_only) for mount in read_mounts("data:/data:ro, models")] == [
        ("/data", True),
        ("/home/work/models", False),
    ]
    with pytest.raises(InvalidInput, match="1024 characters at most"):
        read_mounts("data:/" + "a/" * 512)
    assert (read_idle_timeout("30m"), read_idle_timeout("never")) == (1800, None)


@pytest.mark.parametrize(
    ("text", "seconds", "said"),
    [("90s", 90, "1m 30s"), ("30m", 1800, "30m"), ("8H", 28800, "8h"), ("2 d", 172800, "2d"), ("1.5h", 5400, "1h 30m")],
)
def test_durations_are_read_and_said(text: str, seconds: float, said: str) -> None:
    assert parse_duration(text) == seconds
    assert format_duration(seconds) == said


def test_durations_need_a_unit_and_never_is_one_only_where_it_may_be() -> None:
    assert parse_duration_or_never("never") == parse_duration_or_never("none") == 0
    for text in ("never", "30", "", "-5m", "0s", "5y", "1e3s", "99999999d"):
        with pytest.raises(InvalidInput):
            parse_duration(text)
