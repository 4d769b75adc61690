"""Folders that come into running sessions, and are out of reach at once when a share is taken back."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from passing_members import give_up_everything, passing_member, session

from bench.processes import hear
from integration.command_line import SSHORE


@pytest.fixture(scope="module")
def fay(shared: Deployment) -> Iterator[Owner]:
    yield from passing_member(shared, "fay")


@pytest.fixture(scope="module")
def gus(shared: Deployment) -> Iterator[Owner]:
    yield from passing_member(shared, "gus")


@pytest.fixture
def crew(fay: Owner, gus: Owner) -> Iterator[str]:
    """A folder of Fay's."""
    fay.ok("folder", "create", "crew")
    yield "crew"
    give_up_everything(gus, fay)


@pytest.mark.every_engine
def test_into_a_running_session_and_out_of_it(fay: Owner, crew: str, tmp_path: Path) -> None:
    one = session(fay, "one")
    assert "is mounted at /home/work/crew" in fay.ok("mount", "one", crew)
    one.ok("echo 42 >crew/result")
    (tmp_path / "up").write_text("by sftp")
    one.sftp(f"put {tmp_path}/up crew/up")
    assert "(ro)" not in fay.ok("show", "one")
    fay.ok("mount", "one", f"{crew}:/data:ro")
    assert one.ok("cat /data/result /data/up") == "42\nby sftp"
    assert b"Read-only" in one.run("touch /data/new").stderr
    assert "crew at /data (ro)" in fay.ok("show", "one")
    assert fay.run("unmount", "one", crew).returncode == 1, "which of both places?"
    fay.ok("unmount", "one", "/home/work/crew")
    assert one.ok("ls crew; cat /data/result") == "42\n"
    fay.ok("stop", "one")
    fay.ok("mount", "one", f"{crew}:later")
    fay.ok("start", "one")
    assert one.ok("cat /data/result later/result; ls crew") == "42\n42\n", "a restart has what the record has"
    fay.ok("unmount", "one", "/data")
    fay.ok("unmount", "one", crew)
    assert one.run("ls /data/result").returncode != 0
    assert fay.json("show", "one")["mounts"] == []


@pytest.mark.every_engine
def test_what_is_in_the_way_is_told(fay: Owner, gus: Owner, crew: str) -> None:
    one = session(fay, "one")
    one.ok("touch file; ln -s /opt/sshore link; mkdir sub; ln -s .. sub/up")
    for target in ("file", "link", "sub/up", "sub/up/link"):
        refused = fay.run("mount", "one", f"{crew}:{target}")
        assert refused.returncode == 1 and b"something else lies" in refused.stderr, target
    for target in ("/usr/local", "../../etc", "/", ".."):
        assert fay.run("mount", "one", f"{crew}:{target}").returncode == 2, target
    assert fay.run("mount", "one", "nosuch").returncode == 3
    assert fay.run("mount", "nosuch", crew).returncode == 3
    assert gus.run("mount", "one", crew).returncode == 3
    fay.ok("mount", "one", crew)
    fay.ok("mount", "one", crew)
    one.ok("sleep 300 <crew >/dev/null 2>&1 &")
    refused = fay.run("folder", "rm", crew)
    assert refused.returncode == 1 and b"sshore unmount one crew" in refused.stderr
    assert "still have files open" in fay.ok("unmount", "one", crew)
    fay.ok("mount", "--at-restart", "one", crew)
    assert "from the next start on" in fay.ok("show", "one")
    assert one.ok("ls -A crew") == ""
    fay.ok("unmount", "one", crew)


@pytest.mark.every_engine
def test_a_share_that_is_taken_back_is_out_of_reach_at_once(fay: Owner, gus: Owner, crew: str) -> None:
    fay.ok("folder", "share", crew, "--with", "gus", "--rw")
    fays, guss = session(fay, "fays", "--mount", crew), session(gus, "guss", "--mount", "fay/crew")
    fays.ok("echo secret >crew/file")
    guss.ok("mkdir own; echo mine >own/file")
    with guss.start("cd crew && cat file && exec sleep 300") as inside:
        hear(inside, b"secret\n")
        assert "1 running session" in fay.ok("folder", "unshare", crew, "--with", "gus")
        assert inside.wait(10) != 0, "who stands in the folder is ended"
    assert guss.ok("ls crew; cat own/file") == "mine\n"
    assert fays.ok("cat crew/file") == "secret\n", "the owner's own sessions keep it"
    assert gus.json("show", "guss")["mounts"][0]["live"] is False
    assert gus.run("mount", "guss", "fay/crew").returncode == 3
    fay.ok("folder", "share", crew, "--with", "gus")
    gus.ok("unmount", "guss", "fay/crew")
    gus.ok("mount", "guss", "fay/crew")
    assert guss.ok("cat crew/file") == "secret\n"
    with guss.start("exec 3<crew; echo open; exec sleep 300") as holder:
        hear(holder, b"open\n")
        assert "files open" not in gus.ok("unmount", "guss", "fay/crew")
        assert holder.wait(10) != 0, "nothing of another's is kept open in secret"
    gus.ok("mount", "guss", "fay/crew")
    assert b"Read-only" in guss.run("touch crew/new").stderr


@pytest.mark.every_engine
def test_less_rights_hold_at_once_and_a_removed_folder_is_gone_for_others(fay: Owner, gus: Owner, crew: str) -> None:
    fay.ok("folder", "share", crew, "--with", "gus", "--rw")
    guss = session(gus, "guss", "--mount", "fay/crew")
    guss.ok("echo first >crew/file")
    with guss.start("exec 3>>crew/file; echo open; while echo more >&3; do sleep 0.05; done") as writer:
        hear(writer, b"open\n")
        fay.ok("folder", "share", crew, "--with", "gus")
        writer.wait(10)
    assert guss.ok("head -n1 crew/file") == "first\n"
    assert b"Read-only" in guss.run("echo x >>crew/file").stderr
    fay.ok("folder", "rm", crew)
    assert guss.ok("ls crew") == ""
    fay.ok("folder", "trash", "restore", crew)


def test_a_directory_that_is_missing_is_made_as_the_refusal_says(fay: Owner, crew: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("there")
    copy = ("cp", str(tmp_path / "file"), f"folder:{crew}/a b/deep/")
    refused = fay.run(*copy).stderr.decode()
    command = refused.partition("make it with: ")[2].partition(", or leave")[0]
    environment = fay.environment | {"PATH": f"{Path(SSHORE).parent}:{fay.environment['PATH']}"}
    made = subprocess.run(["/bin/sh", "-c", command], env=environment, capture_output=True)
    assert made.returncode == 0, (command, made.stderr)
    fay.ok(*copy)
    fay.ok("cp", f"folder:{crew}/a b/deep/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "there"
