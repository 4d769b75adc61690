"""Writing into a directory whose owner may have planted links."""

import os
from pathlib import Path

import pytest

from sshore.store.safe_files import make_directory, open_directory, write_file


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("root's own")
    return path


def test_a_planted_link_is_replaced_not_followed(tmp_path: Path, secret: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "id_container").symlink_to(secret)
    (home / ".id_container.sshore-new").symlink_to(secret)
    with open_directory(home) as directory:
        write_file(directory, "id_container", b"key", 0o600, None)
    assert secret.read_text() == "root's own"
    assert (home / "id_container").read_text() == "key"
    assert not (home / "id_container").is_symlink()


def test_a_directory_in_a_files_place_is_moved_aside_with_all_it_holds(tmp_path: Path) -> None:
    for name in ("id_container", ".id_container.sshore-new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("work of weeks")
    (tmp_path / "id_container.old-1").write_text("older")
    with open_directory(tmp_path) as directory:
        write_file(directory, "id_container", b"key", 0o600, None)
    assert (tmp_path / "id_container").read_text() == "key"
    assert (tmp_path / "id_container.old-1").read_text() == "older"
    assert (tmp_path / "id_container.old-2" / "mine").read_text() == "work of weeks"


def test_a_linked_directory_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        make_directory(tmp_path / "home", 0o700, None)


def test_files_have_their_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with open_directory(tmp_path) as directory:
            write_file(directory, "public", b"", 0o644, None)
    finally:
        os.umask(before)
    assert (tmp_path / "public").stat().st_mode & 0o777 == 0o644
