"""Files by the clients people have: sftp, scp with both protocols, rsync, sshfs."""

import filecmp
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment
from mounts import mounted
from programs import need, need_that
from ssh_client import SshClient, through_forward

from integration.command_line import CommandLine

pytestmark = pytest.mark.every_engine


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as people have them: names in many scripts, an empty file, a program, a link."""
    root = tmp_path_factory.mktemp("files") / "tree"
    (root / "한글 and blanks" / "deep").mkdir(parents=True)
    (root / "한글 and blanks" / "deep" / "file.bin").write_bytes(os.urandom(300_000))
    (root / "empty").touch()
    (root / "it's $HOME; *").write_text("a name that shells stumble over")
    (root / "program").write_text("#!/bin/sh\n")
    (root / "program").chmod(0o755)
    return root


def same(one: Path, other: Path) -> bool:
    """Whether two directories hold the same names, contents and permissions."""
    names = {path.relative_to(one) for path in one.rglob("*")}
    if names != {path.relative_to(other) for path in other.rglob("*")}:
        return False
    return all(_same_file(one / name, other / name) for name in names)


def _same_file(one: Path, other: Path) -> bool:
    if one.is_dir():
        return other.is_dir()
    same_mode = one.stat().st_mode & 0o777 == other.stat().st_mode & 0o777
    return same_mode and filecmp.cmp(one, other, shallow=False)


def test_sftp_lists_makes_moves_and_removes(demo_either_way: SshClient, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"\0\1\2" * 1000)
    demo_either_way.sftp(
        "mkdir sftp-test", f"put {tmp_path}/here sftp-test/one", "rename sftp-test/one sftp-test/two",
        "chmod 600 sftp-test/two", "symlink two sftp-test/link", f"get sftp-test/link {tmp_path}/back",
    )  # fmt: skip
    assert (tmp_path / "back").read_bytes() == (tmp_path / "here").read_bytes()
    assert demo_either_way.ok("stat -c '%a %s %U' sftp-test/two") == "600 3000 work\n"
    listing = demo_either_way.sftp("ls -1 sftp-test", "df -h", "rm sftp-test/*", "rmdir sftp-test")
    assert "sftp-test/link" in listing and "sftp-test/two" in listing
    assert demo_either_way.run("test -e sftp-test").returncode == 1


def test_sftp_takes_an_interrupted_upload_up_again(demo: SshClient, tmp_path: Path) -> None:
    data = os.urandom(2_000_000)
    (tmp_path / "whole").write_bytes(data)
    demo.ok("head -c 700000 >resumed", stdin=data)
    demo.sftp(f"reput {tmp_path}/whole resumed", f"get resumed {tmp_path}/back", "rm resumed")
    assert (tmp_path / "back").read_bytes() == data


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["over sftp", "the old protocol"])
def test_scp_copies_trees_both_ways(
    demo_either_way: SshClient, tree: Path, tmp_path: Path, protocol: list[str]
) -> None:
    demo_either_way.scp(*protocol, "-rp", str(tree), ":scp-test")
    demo_either_way.scp(*protocol, "-rp", ":scp-test", str(tmp_path / "back"))
    demo_either_way.ok("rm -r scp-test")
    assert same(tree, tmp_path / "back")


def test_rsync_copies_trees_both_ways(demo_either_way: SshClient, tree: Path, tmp_path: Path) -> None:
    need("rsync")
    rsync = ["rsync", "-a", "-e", demo_either_way.command_line]
    there = f"{demo_either_way.destination}:rsync-test/"
    demo_either_way.program(*rsync, f"{tree}/", there)
    demo_either_way.program(*rsync, there, str(tmp_path / "back"))
    again = demo_either_way.program(*rsync, "--itemize-changes", "--checksum", "--no-times", "--no-o", "--no-g",
                                    f"{tree}/", there)  # fmt: skip
    demo_either_way.ok("rm -r rsync-test")
    assert same(tree, tmp_path / "back")
    assert again == "", "a second run has nothing to do"


def test_sshfs_mounts_the_home(demo_either_way: SshClient, shared: Deployment, tree: Path, tmp_path: Path) -> None:
    need("sshfs", "fusermount3")
    need_that(os.access("/dev/fuse", os.R_OK | os.W_OK), "/dev/fuse cannot be opened here")
    with mounted(demo_either_way, tmp_path / "mnt") as there:
        subprocess.run(["cp", "-r", tree, there / "sshfs-test"], check=True)
        assert same(tree, there / "sshfs-test")
        assert demo_either_way.ok("stat -c %s 'sshfs-test/한글 and blanks/deep/file.bin'") == "300000\n"
        with (there / "sshfs-test" / "empty").open("a") as file:
            file.write("no more")
        assert demo_either_way.ok("cat sshfs-test/empty") == "no more"
        subprocess.run(["rm", "-r", there / "sshfs-test"], check=True)
    assert demo_either_way.run("test -e sshfs-test").returncode == 1


def test_a_config_directory_without_hard_links_has_a_client_key(
    demo: SshClient, shared: Deployment, tmp_path: Path
) -> None:
    need("sshfs", "fusermount3")
    need_that(os.access("/dev/fuse", os.R_OK | os.W_OK), "/dev/fuse cannot be opened here")
    options = ("-o", "disable_hardlink", "-o", "idmap=user")
    with mounted(demo, tmp_path / "mnt", *options) as there:
        (there / "probe").touch()
        with pytest.raises(OSError, match=r"not permitted|not implemented"):
            (there / "link").hardlink_to(there / "probe")
        who = CommandLine(there / "config")
        url, token = shared.login
        who.ok("login", url, "--token", token)
        tries = [who.popen("ssh", "demo", "echo through", stdout=subprocess.PIPE) for _ in range(3)]
        assert [one.communicate(timeout=60)[0] for one in tries] == [b"through\n"] * 3
        assert {path.name for path in (there / "config" / "ssh").iterdir() if path.name[0] != "."} == {
            "certs", "id_sshore", "id_sshore.pub", "known_hosts",
        }  # fmt: skip


@pytest.fixture(scope="module")
def noisy(shared: Deployment) -> Iterator[SshClient]:
    """A session whose startup files print, as people's do; the old programs read that as protocol."""
    shared.run_session("noisy")
    client = through_forward(shared.admin, shared.connect("noisy"))
    client.ok("tee .bashrc .profile .bash_profile", stdin=b"echo NOISE\n")
    yield client
    shared.remove("noisy")


class TestStartupFilesThatPrint:
    def test_they_do(self, noisy: SshClient) -> None:
        assert "NOISE" in noisy.ok("bash -lc true")

    def test_sftp_works(self, noisy: SshClient, tree: Path, tmp_path: Path) -> None:
        noisy.sftp(f"put -Rp {tree} tree", f"get -Rp tree {tmp_path}/back")
        assert same(tree, tmp_path / "back")

    def test_scp_works(self, noisy: SshClient, tree: Path, tmp_path: Path) -> None:
        noisy.scp("-rp", str(tree), ":scp-tree")
        noisy.scp("-rp", ":scp-tree", str(tmp_path / "back"))
        assert same(tree, tmp_path / "back")
