"""The home's authorized_keys as editors save them, and as anybody may leave them."""

import os
from pathlib import Path

import pytest

from sshore.agent.authorized_keys import FILE, MAX_BYTES, MAX_NOTES, AuthorizedKeys, read_as_meant

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@pc"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (f"\ufeff{KEY}\r\n".encode("utf-16-le"), "UTF-16"),
        (f"\ufeff{KEY}\r\n".encode("utf-16-be"), "UTF-16"),
        (f"{KEY}\r\n".encode("utf-16-le"), "UTF-16"),
        (f"{KEY}\r\n".encode("utf-16-be"), "UTF-16"),
        (f"\ufeff{KEY}\r\n".encode(), "byte order mark"),
    ],
)
def test_what_windows_editors_save_is_read_as_meant(data: bytes, named: str) -> None:
    reading = read_as_meant(data)
    assert reading.text is not None and reading.text.split() == KEY.encode().split()
    assert named in reading.notes[0] and len(reading.notes) == 1


@pytest.mark.parametrize(
    "data", [b"", f"{KEY}\n".encode(), f"# pc\r\n{KEY}\r\n".encode(), b"\xff", b"\0", bytes(range(1, 256))]
)
def test_what_sshd_can_read_itself_is_left_to_it(data: bytes) -> None:
    assert read_as_meant(data).text is None and read_as_meant(data).notes == ()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f'from="10.0.0.0/8" {KEY}', True),
        (f'no-pty,FROM="*.example.org,10.1.2.3" {KEY}', True),
        (f'command="echo a, b \\" from=x",from="::1" {KEY}', True),
        (f'from="*" {KEY}', False),
        (f'from="!10.0.0.1,*" {KEY}', False),
        (f'command="ls from=here, or there" {KEY}', False),
        (f'environment="a=\\",from=b" {KEY}', False),
        (f"{KEY} from=home", False),
        (f'#from="10.0.0.1" {KEY}', False),
    ],
)
def test_a_from_that_nobody_matches_is_told(line: str, told: bool) -> None:
    notes = read_as_meant(f"# first\n{line}\n".encode()).notes
    assert len(notes) == told
    if told:
        assert notes[0].startswith("line 2 of ~/.ssh/authorized_keys lets nobody in: it has from=")


def test_many_such_lines_are_few_notes_and_a_long_file_is_sshds_own() -> None:
    lines = f'from="10.0.0.1" {KEY}\n'.encode() * 100
    assert len(read_as_meant(lines).notes) == MAX_NOTES
    assert len(read_as_meant(f"\ufeff{lines.decode()}".encode("utf-16-le")).notes) == MAX_NOTES
    long = read_as_meant(b"\xff\xfe" + bytes(MAX_BYTES))
    assert long.text is None and "longer than 256 KiB" in long.notes[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def test_the_copy_follows_the_file(home: Path) -> None:
    keys = AuthorizedKeys(str(home))
    assert keys.look() == () and keys.copy == ""
    (home / FILE).write_text(KEY, encoding="utf-16")
    assert len(keys.look()) == 1
    assert Path(keys.copy).read_text().strip() == KEY
    (home / FILE).write_text(f"{KEY}2\n", encoding="utf-16")
    keys.look()
    assert Path(keys.copy).read_text().strip() == f"{KEY}2"
    (home / FILE).write_text(KEY)
    assert keys.look() == () and keys.copy == ""
    (home / FILE).unlink()
    assert keys.look() == () and keys.copy == ""


def test_no_descriptor_is_left(home: Path) -> None:
    keys = AuthorizedKeys(str(home))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        (home / FILE).write_text(f"{KEY}{number}", encoding="utf-16")
        keys.look()
    (home / FILE).unlink()
    keys.look()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_what_is_no_file_is_told_and_waited_for_by_nobody(home: Path, kind: str) -> None:
    path = home / FILE
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    keys = AuthorizedKeys(str(home))
    (note,) = keys.look()
    assert note.startswith("~/.ssh/authorized_keys cannot be read") and keys.copy == ""


def test_a_link_that_leads_nowhere_is_no_file(home: Path) -> None:
    (home / FILE).symlink_to("authorized_keys")
    (note,) = AuthorizedKeys(str(home)).look()
    assert "Too many levels of symbolic links" in note
