"""Where `sshore ssh`, `sftp` and `cp` part their arguments: as ssh's own getopt(3) would."""

import pytest

from sshore.cli.openssh import remote_name, scp_place, split_options

VALUED = frozenset("LpoDi")


@pytest.mark.parametrize(
    ("words", "options", "rest"),
    [
        (["demo"], [], ["demo"]),
        (["-tt", "demo"], ["-tt"], ["demo"]),
        (["-L", "8080:localhost:80", "-N"], ["-L", "8080:localhost:80", "-N"], []),
        (["-L8080:localhost:80", "ls", "-l"], ["-L8080:localhost:80"], ["ls", "-l"]),
        (["-vp", "22", "ls"], ["-vp", "22"], ["ls"]),
        (["-o", "X=y", "--", "-c", "x"], ["-o", "X=y"], ["-c", "x"]),
        (["--", "ls"], [], ["ls"]),
        (["-", "x"], [], ["-", "x"]),
        (["-p"], ["-p"], []),
    ],
)
def test_options_end_where_ssh_ends_them(words: list[str], options: list[str], rest: list[str]) -> None:
    assert split_options(words, VALUED) == (options, rest)


@pytest.mark.parametrize(
    ("place", "name"),
    [("demo:", "demo"), ("demo:a/b:c", "demo"), ("./demo:x", ""), ("file", ""), ("/a:b", ""), (":x", "")],
)
def test_a_session_is_what_stands_before_the_first_colon(place: str, name: str) -> None:
    assert remote_name(place) == name


def test_only_the_sessions_side_becomes_a_host() -> None:
    assert scp_place("demo:a b", "work@demo.sshore") == "work@demo.sshore:a b"
    assert scp_place("./a", "work@demo.sshore") == "./a"
