"""Which locale variables of a client's are welcome: those whose locale the session has."""

import os
from pathlib import Path

import pytest

from sshore.agent.locales import exists, welcome_names
from sshore.sdk.locale_words import locale_words


@pytest.fixture
def root(tmp_path: Path) -> str:
    """As Debian's images are: C.UTF-8 and nothing else; but somebody has made one more."""
    for name in ("C.utf8", "en_US.utf8"):
        (tmp_path / "usr/lib/locale" / name).mkdir(parents=True)
    return f"{tmp_path}/"


@pytest.mark.parametrize("value", ["C", "POSIX", "C.UTF-8", "C.utf8", "en_US.UTF-8", "en_US.utf8"])
def test_a_locale_that_is_there_exists_however_its_codeset_is_written(root: str, value: str) -> None:
    assert exists(value, root)


@pytest.mark.parametrize("value", ["ko_KR.UTF-8", "en_US", "en_US.ISO-8859-1", "UTF-8", "?", "", "../en_US.utf8", "/x"])
def test_others_do_not(root: str, value: str) -> None:
    assert not exists(value, root)


def test_where_there_are_none_at_all_what_every_libc_has_exists(tmp_path: Path) -> None:
    assert exists("C.UTF-8", f"{tmp_path}/")
    assert not exists("en_US.UTF-8", f"{tmp_path}/")


def test_musl_takes_any_name_where_it_is_the_only_libc(tmp_path: Path) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    (library / f"ld-musl-{os.uname().machine}.so.1").touch()
    assert exists("ko_KR.UTF-8", f"{tmp_path}/")
    (tmp_path / "lib64").mkdir()
    (tmp_path / "lib64" / "ld-linux-x86-64.so.2").touch()
    assert not exists("ko_KR.UTF-8", f"{tmp_path}/")


def test_a_damaged_archive_has_none(root: str) -> None:
    archive = Path(root, "usr/lib/locale/locale-archive")
    for content in (b"", b"ko_KR.utf8\0", bytes.fromhex("090102de") + b"\xff" * 100):
        archive.write_bytes(content)
        assert not exists("ko_KR.UTF-8", root)


def test_all_are_welcome_but_those_that_the_client_would_send_in_vain(root: str) -> None:
    assert welcome_names(locale_words({}), root) == "LC_*"
    assert welcome_names(locale_words({"LC_ALL": "en_US.UTF-8", "LANG": "ko_KR.UTF-8"}), root) == "LC_*"
    names = welcome_names(
        locale_words({"LC_TIME": "ko_KR.UTF-8", "LC_NAME": "a b\r\nX: y", "LC_ALL": ""}), root
    ).split()
    assert "LC_ALL" in names and not {"LC_TIME", "LC_NAME"} & set(names)


def test_of_an_older_client_nothing_is_known(root: str) -> None:
    assert welcome_names("", root) == ""


def test_nothing_else_becomes_a_pattern(root: str) -> None:
    patterns = welcome_names("LC_ALL=x LD_PRELOAD=y PATH=C *=C", root).split()
    assert patterns and "LC_ALL" not in patterns
    assert all(pattern.startswith("LC_") for pattern in patterns)
