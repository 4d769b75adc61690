import json
from pathlib import Path

import pytest

from sshore.core.errors import InvalidInput, Unauthenticated
from sshore.sdk.address import parse_server_url
from sshore.sdk.credentials import Credentials, Login, read_credentials, store_login

HERE = Login(parse_server_url("http://127.0.0.1:8022"), "here")
THERE = Login(parse_server_url("https://there.example"), "there")


def test_the_last_login_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "new" / "credentials.json"
    store_login(path, HERE)
    store_login(path, THERE)
    assert read_credentials(path).choose() == THERE
    assert read_credentials(path).choose("http://127.0.0.1:8022") == HERE


def test_the_default_may_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    store_login(path, HERE)
    store_login(path, THERE, default=False)
    assert read_credentials(path).choose() == HERE


def test_the_environment_goes_before_what_is_stored() -> None:
    stored = Credentials().with_login(HERE)
    assert stored.choose(token="other").token == "other"
    assert stored.choose("https://there.example", "other") == Login(THERE.address, "other")


def test_a_token_is_never_sent_to_another_server() -> None:
    with pytest.raises(Unauthenticated, match=r"not logged in to https://there\.example"):
        Credentials().with_login(HERE).choose("https://there.example")


def test_no_login_at_all_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(Unauthenticated, match="sshore up"):
        read_credentials(tmp_path / "absent").choose()


def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "credentials.json"
    store_login(path, HERE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["credentials.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"default": "x"})])
def test_a_damaged_file_says_how_to_go_on(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="log in again"):
        read_credentials(path)
