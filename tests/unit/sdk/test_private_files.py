"""A user's own files are nobody else's, whatever the umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshore.cli.local_user import user_from_environment
from sshore.core.errors import Forbidden
from sshore.sdk import private_files
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


@pytest.fixture(params=[0o002, 0o000])
def wide_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(*paths: Path) -> list[int]:
    return [path.stat().st_mode & 0o777 for path in paths]


@pytest.mark.usefixtures("wide_umask")
def test_every_directory_that_is_made_is_the_users_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "a/b/c/file", "secret")
    made = tmp_path / "a", tmp_path / "a/b", tmp_path / "a/b/c"
    assert modes(*made, tmp_path / "a/b/c/file") == [0o700, 0o700, 0o700, 0o600]


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o2770)
    make_private_directory(tmp_path / "shared")
    make_private_directory(f"{tmp_path}/shared/mine/")
    assert modes(tmp_path / "shared/mine") == [0o700]
    assert (tmp_path / "shared").stat().st_mode & 0o7777 == 0o2770


@pytest.mark.parametrize(("part", "mode"), [(".", 0o777), (".", 0o1777), ("ssh", 0o707), ("keys", 0o722)])
def test_a_config_directory_that_others_may_write_is_refused(tmp_path: Path, part: str, mode: int) -> None:
    (tmp_path / "config" / part).mkdir(parents=True)
    (tmp_path / "config").chmod(0o755)
    directory = tmp_path / "config" / part
    directory.chmod(mode)
    os.chown(directory, -1, 1 if os.geteuid() == 0 else -1)
    with pytest.raises(Forbidden, match=f"chmod go-w {directory}"):
        user_from_environment({"SSHORE_CONFIG_DIR": str(tmp_path / "config")})
    directory.chmod(mode & ~0o022)
    user_from_environment({"SSHORE_CONFIG_DIR": str(tmp_path / "config")})


def test_below_a_closed_directory_nobody_can_write(tmp_path: Path) -> None:
    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh").chmod(0o777)
    tmp_path.chmod(0o700)
    ConfigDir(tmp_path).check()


def test_a_group_of_ones_own_is_not_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Debian and Fedora make one for each user, whose umask may then be 0002."""
    tmp_path.chmod(0o775)
    own = private_files._is_private_group(os.getuid(), tmp_path.stat().st_gid)
    if os.geteuid() == 0:
        assert own, "root's group is root's alone"
    monkeypatch.setattr(private_files, "_is_private_group", lambda uid, gid: True)
    ConfigDir(tmp_path).check()
    monkeypatch.setattr(private_files, "_is_private_group", lambda uid, gid: False)
    with pytest.raises(Forbidden):
        ConfigDir(tmp_path).check()
