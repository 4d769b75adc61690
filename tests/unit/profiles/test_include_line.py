"""The one line in the user's own ssh_config: what the user wrote stays byte for byte."""

import pytest

from sshore.profiles.include_line import (
    STYLES,
    add_include,
    has_include,
    include_line,
    include_word,
    remove_include,
)

LINE = include_line(include_word("/home/ann/my config/sshore/ssh/config"))

USERS_FILES = [
    b"",
    b"\n",
    b"Host *\n    ServerAliveInterval 30\n",
    b"Host *\n    ServerAliveInterval 30",
    b"Host *\r\n    User ann\r\n",
    b"# \xff not UTF-8\nHost a b\n\n\n",
    b'Include "/other/config"\nHost x\n',
]


@pytest.mark.parametrize("content", USERS_FILES)
def test_removing_restores_the_file(content: bytes) -> None:
    assert remove_include(add_include(content, LINE), [LINE]) == content


@pytest.mark.parametrize("content", USERS_FILES)
def test_adding_twice_is_adding_once(content: bytes) -> None:
    once = add_include(content, LINE)
    assert add_include(once, LINE) == once
    assert once.count(LINE) == 1


@pytest.mark.parametrize("content", USERS_FILES)
def test_the_line_comes_first_and_the_rest_follows_as_it_was(content: bytes) -> None:
    added = add_include(content, LINE)
    assert added.startswith(LINE)
    assert added.endswith(content)


def test_line_endings_are_the_files_own() -> None:
    assert add_include(b"Host a\r\n", LINE) == LINE + b"\r\nHost a\r\n"


def test_a_line_below_a_host_block_does_not_count_and_moves_up() -> None:
    below = b"Host a\n  User b\n" + LINE + b"\n"
    assert not has_include(below, LINE)
    assert add_include(below, LINE) == LINE + b"\nHost a\n  User b\n"


def test_a_line_below_comments_and_options_counts() -> None:
    content = b"# Host is a word in a comment\nServerAliveInterval 3\n" + LINE + b"\nHost a\n"
    assert add_include(content, LINE) == content


def test_a_path_with_blanks_is_quoted() -> None:
    assert LINE == b'Include "/home/ann/my config/sshore/ssh/config"'


def test_most_paths_are_written_in_one_way() -> None:
    assert {include_word("/home/ann/my config", style) for style in range(STYLES)} == {'"/home/ann/my config"'}


def test_what_glob_would_take_for_a_pattern_is_no_pattern() -> None:
    assert include_word("/home/[ann]/what?") == '"/home/\\[ann]/what\\?"'


def test_a_line_of_another_style_makes_room() -> None:
    older = include_line(include_word("/home/100%/config", 0))
    newer = include_line(include_word("/home/100%/config", 2))
    assert add_include(older + b"\nHost a\n", newer, [older]) == newer + b"\nHost a\n"
