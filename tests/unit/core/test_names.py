"""Names and sizes as people type them."""

import pytest

from sshore.core import names
from sshore.core.errors import InvalidInput


@pytest.mark.parametrize("name", ["demo", "a", "a-b-3", "x" * 40])
def test_session_names_are_dns_labels(name: str) -> None:
    assert names.check_session_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a b", "x" * 41, "..", "a\n", "é", "a/b"])
def test_other_session_names_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidInput, match="a-z"):
        names.check_session_name(name)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", "a\0", "-rf", "a\nb", "x" * 101])
def test_folder_names_are_one_path_component(name: str) -> None:
    with pytest.raises(InvalidInput):
        names.check_folder_name(name)


@pytest.mark.parametrize(
    ("text", "size"), [("512", 512), ("1k", 1024), ("4g", 4 << 30), ("1.5GiB", 3 << 29), ("2 MB", 2 << 20)]
)
def test_sizes_read_as_people_write_them(text: str, size: int) -> None:
    assert names.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "g", "4x", "-1g", "0", "1e3", "4gg", "four"])
def test_other_sizes_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="4g"):
        names.parse_bytes(text)


def test_sizes_print_in_binary_units() -> None:
    assert [names.format_bytes(size) for size in (17, 1536, 4 << 30)] == ["17 B", "1.5 KiB", "4 GiB"]
