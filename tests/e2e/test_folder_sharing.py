"""Folders for others: shared read-only and read-write whatever uids there are; offered, renamed, removed, restored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from passing_members import give_up_everything, passing_member, session


@pytest.fixture(scope="module")
def dan(shared: Deployment) -> Iterator[Owner]:
    yield from passing_member(shared, "dan")


@pytest.fixture(scope="module")
def eve(shared: Deployment) -> Iterator[Owner]:
    yield from passing_member(shared, "eve")


@pytest.fixture
def team(dan: Owner, eve: Owner) -> Iterator[str]:
    """A folder of Dan's."""
    dan.ok("folder", "create", "team")
    yield "team"
    give_up_everything(eve, dan)


def folders(owner: Owner) -> dict[str, bool]:
    """What a user can use, and whether only for reading."""
    return {folder["ref"]: folder["read_only"] for folder in owner.json("folder", "ls")}


@pytest.mark.every_engine
def test_what_one_writes_the_other_can_change_whatever_its_mode(dan: Owner, eve: Owner, team: str) -> None:
    dan.ok("folder", "share", team, "--with", "eve", "--rw")
    assert folders(eve) == {"dan/team": False}
    dans, eves = session(dan, "dans", "--mount", team), session(eve, "eves", "--mount", "dan/team")
    dans.ok("umask 077; mkdir team/private; echo dan >team/private/file; chmod 400 team/private/file")
    eves.ok("cd team/private; stat -c '%U %a' file; chmod 600 file; echo eve >>file; umask 077; echo new >by-eve")
    assert dans.ok("cat team/private/file; stat -c '%U %a' team/private/by-eve") == "dan\neve\nwork 600\n"
    dans.ok("echo dan >>team/private/by-eve; rm team/private/file")
    assert eves.ok("cat team/private/by-eve; ls team/private") == "new\ndan\nby-eve\n"


@pytest.mark.every_engine
def test_read_only_is_read_only_by_every_way(dan: Owner, eve: Owner, team: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("dan's")
    dan.ok("cp", str(tmp_path / "f"), "folder:team/f")
    dan.ok("folder", "share", team, "--everyone")
    assert folders(eve) == {"dan/team": True}
    eves = session(eve, "eves", "--mount", "dan/team")
    assert eves.ok("cat team/f") == "dan's"
    assert b"Read-only" in eves.run("echo x >team/f").stderr
    eve.ok("cp", "folder:dan/team/f", str(tmp_path / "got"))
    assert (tmp_path / "got").read_text() == "dan's"
    (tmp_path / "got").write_text("eve's")
    for words in (("cp", str(tmp_path / "f"), "folder:dan/team/g"), ("cp", str(tmp_path / "got"), "folder:dan/team/f")):
        assert eve.run(*words).returncode != 0
    for command in ("rm f", "mkdir d", "chmod 777 f", f"put {tmp_path}/f f"):
        assert eve.run("sftp", "-q", "-b", "-", "folder:dan/team", stdin=f"{command}\n".encode()).returncode != 0, (
            command
        )
    assert eves.ok("ls team") == "f\n"


def test_what_is_shared_is_not_for_others_to_manage(dan: Owner, eve: Owner, team: str) -> None:
    dan.ok("folder", "share", team, "--with", "eve", "--rw")
    for words in (("rm", "dan/team"), ("rm", "team"), ("rename", "team", "mine"), ("share", "team", "--everyone")):
        assert eve.run("folder", *words).returncode == 3, words
    (listed,) = eve.json("folder", "ls")
    assert (listed["shared_with"], listed["offered_path"]) == ([], "")
    dan.ok("folder", "unshare", team, "--with", "eve")
    assert folders(eve) == {}
    assert eve.run("stream", "folder:dan/team", stdin=b"").returncode == 3
    assert eve.run("run", "nosuch", "--network", "none", "--mount", "dan/team").returncode == 3


def test_an_open_stream_ends_with_the_share(dan: Owner, eve: Owner, team: str) -> None:
    dan.ok("folder", "share", team, "--with", "eve")
    with eve.popen("stream", "folder:dan/team", "--app", "check", stdin=-1, stdout=-1) as held:
        assert held.stdin is not None and held.stdout is not None
        held.stdin.write(b'{"path":"nosuch"}\n')
        held.stdin.flush()
        assert b"not_found" in held.stdout.readline()
        said = dan.ok("folder", "unshare", team, "--with", "eve")
        assert "no longer shared" in said
        assert held.stdout.read() == b""
        held.stdin.close()
        held.wait(10)


@pytest.mark.every_engine
def test_nobody_is_locked_out_by_what_is_no_longer_shared(dan: Owner, eve: Owner, team: str) -> None:
    dan.ok("folder", "share", team, "--with", "eve")
    dan.ok("folder", "create", "more")
    dan.ok("folder", "share", "more", "--with", "eve")
    eves = session(eve, "eves", "--mount", "dan/team", "--mount", "dan/more")
    assert "1 running session" in dan.ok("folder", "unshare", team, "--with", "eve")
    eve.ok("stop", "eves")
    dan.ok("folder", "unshare", "more", "--with", "eve")
    started = eve.run("start", "eves")
    assert started.returncode == 0 and b"sshore unmount eves /home/work/more" in started.stderr
    assert "dan/team at /home/work/team (ro, not mounted: no longer shared)" in eve.ok("show", "eves")
    assert eves.ok("ls team more 2>/dev/null; echo here").split()[-1] == "here"
    eve.ok("unmount", "eves", "dan/team")
    dan.ok("folder", "share", "more", "--with", "eve", "--rw")
    eve.ok("mount", "eves", "dan/more")
    eves.ok("touch more/new")


@pytest.mark.every_engine
def test_rename_trash_restore_and_for_ever(dan: Owner, team: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("kept")
    dan.ok("cp", str(tmp_path / "f"), "folder:team/")
    one = session(dan, "one", "--mount", team)
    dan.ok("folder", "rename", team, "crew")
    assert one.ok("cat team/f") == "kept", "the session has it where it had it"
    dan.ok("stop", "one")
    dan.ok("start", "one")
    assert one.ok("cat team/f") == "kept"
    refused = dan.run("folder", "rm", "crew")
    assert refused.returncode == 1 and b"mounted in session 'one'" in refused.stderr and b"--force" in refused.stderr
    assert " UTC you can have it back: " in dan.ok("folder", "rm", "--force", "crew")
    assert one.ok("ls team") == ""
    assert "crew at /home/work/team (not mounted: in the trash)" in dan.ok("show", "one")
    dan.ok("stop", "one")
    dan.ok("start", "one")
    dan.remove("one")
    assert folders(dan) == {}
    dan.ok("folder", "create", "crew")
    (trashed,) = dan.json("folder", "trash", "ls")
    refused = dan.run("folder", "trash", "restore", "crew")
    assert refused.returncode == 1 and b"--as" in refused.stderr
    dan.ok("folder", "trash", "restore", trashed["id"], "--as", "old-crew")
    dan.ok("cp", "folder:old-crew/f", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "kept"
    for name in ("crew", "old-crew"):
        dan.ok("folder", "rm", name)
    assert dan.json("folder", "trash", "empty")["removed"] == 2
    assert dan.json("folder", "trash", "ls") == []
    assert dan.json("folder", "usage")["used_bytes"] < 64 << 10


@pytest.mark.every_engine
def test_directories_of_the_host_on_offer(shared: Deployment, eve: Owner) -> None:
    place = shared.directory / "datasets"
    place.mkdir(mode=0o755)
    (place / "open").write_text("for all")
    (place / "closed").write_text("for root")
    (place / "closed").chmod(0o600)
    shared.cli("folder", "offer", "datasets", str(place), "--ro")
    assert folders(eve) == {"admin/datasets": True}
    eves = session(eve, "eves", "--mount", "admin/datasets")
    assert eves.ok("cat datasets/open") == "for all"
    assert eves.run("cat datasets/closed").returncode != 0
    eve.remove("eves")
    for refused in (str(shared.state), "/", "/etc", str(shared.directory), "relative", "/nosuch", "/proc/1"):
        assert shared.admin.run("folder", "offer", "bad", refused).returncode == 2, refused
    assert eve.run("folder", "offer", "mine", "/srv").returncode == 4
    shared.cli("folder", "rm", "datasets")
    assert (place / "open").read_text() == "for all"
    assert shared.admin.json("folder", "trash", "ls") == []


def test_every_folder_mounted_by_a_setting(dan: Owner, team: str) -> None:
    dan.ok("folder", "create", "more")
    dan.ok("settings", "set", "mounts", "all")
    assert session(dan, "one").ok("ls -d team more").split() == ["more", "team"]
    dan.ok("settings", "set", "mounts", "")
