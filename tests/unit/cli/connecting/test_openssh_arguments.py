"""Where `sshore ssh`, `sftp` and `cp` part their arguments: as ssh's own getopt(3) would."""

import pytest

from sshore.cli.connecting.destination import check_options, split_options
from sshore.cli.copying.arguments import read_arguments
from sshore.cli.copying.places import in_session, session_of
from sshore.core.errors import InvalidInput

VALUED = "LpoDi"


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


SSH, SFTP = {"user": "l", "port": "p"}, {"port": "P"}


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["-L", "8080:localhost:80", "-NL8081:localhost:80", "-R", "0:localhost:1", "-D", "1080"], SSH),
        (["-l", "work", "-p22", "-oUser=work", "-o", "PORT 22"], SSH),
        (["-P", "tag"], SSH),
        (["-l", "800", "-p", "-P", "22"], SFTP),  # the bandwidth, keeping times, the port
    ],
)
def test_options_of_ssh_and_sftp_mean_what_they_mean_there(words: list[str], program: dict[str, str]) -> None:
    check_options(words, "LlRDpPo" if program is SSH else "lPo", **program)


@pytest.mark.parametrize(
    ("words", "program"),
    [(["-lroot"], SSH), (["-p", "2222"], SSH), (["-vo", "user=root"], SSH), (["-oPort=1"], SFTP), (["-P1"], SFTP)],
)
def test_another_user_or_port_is_refused(words: list[str], program: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        check_options(words, "LlRDpPo" if program is SSH else "lPo", **program)


@pytest.mark.parametrize(
    ("place", "name"),
    [("demo:", "demo"), ("demo:a/b:c", "demo"), ("./demo:x", ""), ("file", ""), ("/a:b", ""), (":x", "")],
)
def test_a_session_is_what_stands_before_the_first_colon(place: str, name: str) -> None:
    assert session_of(place) == name


@pytest.mark.parametrize(
    ("text", "path", "name", "is_inside"),
    [
        ("demo:", b".", "", True),
        ("demo:~", b".", "", True),
        ("demo:~/a b/", b"a b", "a b", True),
        ("demo:a/b:c", b"a/b:c", "b:c", False),
        ("demo:/", b"/", "", True),
        ("demo:/etc/hosts", b"/etc/hosts", "hosts", False),
        ("demo:..", b"..", "", True),
        ("demo:a/.", b"a/.", "", True),
        ("demo:a/./", b"a/.", "", True),
        ("demo:~other", b"~other", "~other", False),
    ],
)
def test_paths_in_a_session_begin_at_its_home(text: str, path: bytes, name: str, is_inside: bool) -> None:
    place = in_session(text)
    assert (place.path, place.name, place.is_inside) == (path, name, is_inside)


def test_copies_take_scps_letters_and_pass_sshs_on() -> None:
    wanted = read_arguments(["-rpC", "-oUser=x", "-i", "key", "a", "--timeout=3", "demo:", "--", "-b"])
    assert wanted.recursive and wanted.timeout_s == 3
    assert wanted.ssh_options == ["-C", "-o", "User=x", "-i", "key"]
    assert wanted.places == ["a", "demo:", "-b"]
