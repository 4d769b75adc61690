"""Names of files that come from elsewhere."""

import pytest

from sshore.core.errors import SshoreError
from sshore.sdk.sftp.names import check_listed, is_windows_name, shown


@pytest.mark.parametrize("name", [b"", b".", b"..", b"/", b"a/b", b"../x", b"x/..", b"a\0b"])
def test_what_no_directory_holds_is_refused(name: bytes) -> None:
    with pytest.raises(SshoreError, match="no name of a file"):
        check_listed(name)


@pytest.mark.parametrize("name", [b"a", b"...", b"-rf", b"new\nline", b"caf\xe9", b"*", b"x" * 255])
def test_what_a_directory_may_hold_passes(name: bytes) -> None:
    assert check_listed(name) == name


@pytest.mark.parametrize(
    "name", ["", "a\\b", "a:b", "C:", "con", "NUL.txt", "com1", "a.", "a ", "a?", "a|b", 'a"b', "tab\t", "aux .txt"]
)
def test_what_windows_would_take_for_something_else(name: str) -> None:
    assert not is_windows_name(name)


@pytest.mark.parametrize("name", ["a", ".bashrc", "한글.txt", "a b", "console", "com", "it's"])
def test_what_windows_can_have(name: str) -> None:
    assert is_windows_name(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"caf\xe9.txt", "caf\\xe9.txt"),
        ("\udce9", "\\xe9"),
        ("한글".encode(), "한글"),
        (b"\x1b[31m\n", "\\x1b[31m\\n"),
    ],
)
def test_names_show_on_one_line_and_give_a_terminal_no_orders(name: bytes | str, text: str) -> None:
    assert shown(name) == text
