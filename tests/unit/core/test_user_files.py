"""Names and contents of user files and bootstrap scripts."""

import pytest

from sshore.core.errors import InvalidInput
from sshore.core.user_files import check_content, check_file_name, check_goes_beside, check_script


@pytest.mark.parametrize("name", [".bashrc", ".config/git/ignore", "bin/my tool", ".local/bin/x+y@z"])
def test_places_below_the_home_are_names(name: str) -> None:
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "-rf", "a/-rf", "a\nb", "a\0b", "ünï", "a\\b"),
        *("x" * 101, "/".join(["x"] * 9), "/".join(["x" * 90] * 3), "a/ b", "a ", "$HOME", "a;b", "~/x"),
        *("id_container", ".sshore/bootstrap.log", ".sshore"),
    ],
)
def test_tricks_and_the_platforms_own_are_none(name: str) -> None:
    with pytest.raises(InvalidInput):
        check_file_name(name)


def test_a_file_is_no_directory_at_once() -> None:
    check_goes_beside(".configuration", [".config/x"])
    for name, other in ((".config", ".config/x"), (".config/x", ".config")):
        with pytest.raises(InvalidInput, match="one is a directory"):
            check_goes_beside(name, [other])


def test_a_large_file_is_refused_with_its_size() -> None:
    assert check_content("x", bytes(256 << 10))
    with pytest.raises(InvalidInput, match="262145 bytes"):
        check_content("x", bytes((256 << 10) + 1))


@pytest.mark.parametrize(
    "script",
    [
        *("", " \n", "a\0b", "x" * (257 << 10), "\ud800"),
        *("#!/bin/sh\r\necho\r\n", "#!/usr/bin/env python3\r\n", "#!/bin/sh\recho\r", "echo\r\n", "echo\necho\r\n"),
        *("#!/bin/bash -e\necho\r\n", "#!/usr/bin/env zsh\necho\r\n", "\ufeffecho\n", "\ufeff#!/bin/sh\necho\n"),
    ],
)
def test_what_no_shell_runs_is_no_script(script: str) -> None:
    with pytest.raises(InvalidInput):
        check_script(script)


@pytest.mark.parametrize(
    "script", ["echo\n", "#!/usr/bin/env python3\nprint()\r\n", "printf 'a\\r\\n'\n", "echo '\ufeff'"]
)
def test_what_its_interpreter_reads_is_one(script: str) -> None:
    assert check_script(script) == script


def test_of_user_files_only_those_that_shells_read_are_looked_at() -> None:
    for name, content in (
        (".bashrc", b"echo\r\n"),
        (".config/fish/config.fish", b"\xef\xbb\xbfecho\n"),
        (".zshrc", "echo\n".encode("utf-16")),
        ("bin/x", b"#!/bin/sh\r\n"),
        ("bin/x", b"\xef\xbb\xbf#!/bin/sh\n"),
        ("bin/x", "#!/bin/sh\n".encode("utf-16")),
    ):
        with pytest.raises(InvalidInput):
            check_content(name, content)
    for name, content in (
        ("a.bat", b"echo\r\n"),
        (".gitconfig", b"[user]\r\n"),
        ("x", "hi".encode("utf-16")),
        ("y", b""),
    ):
        assert check_content(name, content) == content
