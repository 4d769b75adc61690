"""`sshore cp` to and from sessions: trees both ways, links, patterns, what is resumed, what is refused."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from deployment import Deployment
from ssh_client import SshClient

from integration.command_line import CommandLine

MIB = 1 << 20
SIZE = 64 * MIB

pytestmark = pytest.mark.every_engine


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, random_64_mib: bytes) -> Path:
    path = tmp_path_factory.mktemp("copies") / "big"
    path.write_bytes(random_64_mib)
    return path


@pytest.fixture
def network(shared: Deployment) -> Iterator[CuttingProxy]:
    with cutting_proxy(shared.port, [SIZE // 2]) as proxy:
        yield proxy


@pytest.fixture
def away(shared: Deployment, network: CuttingProxy, tmp_path: Path) -> CommandLine:
    """The admin, who reaches the server through that network only."""
    _, token = shared.login
    return CommandLine(tmp_path / "away", SSHORE_SERVER=network.url, SSHORE_TOKEN=token)


def test_an_upload_whose_client_is_killed_goes_on(
    demo: SshClient, shared: Deployment, big: Path, network: CuttingProxy, away: CommandLine, tmp_path: Path
) -> None:
    first = away.popen("cp", str(big), "demo:big")
    network.wait_stopped()
    first.kill()
    assert first.wait(10) != 0
    network.cut()
    network.go_on()
    assert demo.run("test -e big").returncode == 1
    (sent,) = away.json("cp", str(big), "demo:big")["files"]
    digest = hashlib.sha256(big.read_bytes()).hexdigest()
    assert demo.ok("sha256sum big").split()[0] == sent["sha256"] == digest
    assert 0 < sent["moved_bytes"] < SIZE
    assert network.bytes_up < 1.2 * SIZE
    assert demo.run("test -e big.part").returncode == 1
    assert shared.admin.json("cp", str(big), "demo:big")["moved_bytes"] == 0
    # What a broken download has left here is used likewise.
    (tmp_path / "back.part").write_bytes(big.read_bytes()[: SIZE // 2])
    assert shared.admin.json("cp", "demo:big", str(tmp_path / "back"))["moved_bytes"] == SIZE // 2
    assert hashlib.sha256((tmp_path / "back").read_bytes()).hexdigest() == digest
    demo.ok("rm big")


def test_an_upload_goes_on_by_itself_when_the_network_comes_back(
    demo: SshClient, big: Path, network: CuttingProxy, away: CommandLine
) -> None:
    sending = away.popen("cp", str(big), "demo:big", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    network.wait_stopped()
    network.cut()
    network.go_on()
    out, err = sending.communicate(timeout=60)
    assert sending.returncode == 0, err.decode()
    assert b"trying again" in err
    assert demo.ok("sha256sum big").split()[0].encode() in out
    assert network.bytes_up < 1.2 * SIZE
    demo.ok("rm big")


def test_trees_both_ways_with_times_modes_and_names(demo: SshClient, shared: Deployment, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "한글 and blanks" / "deep").mkdir(parents=True)
    for number, name in enumerate(["-rf", "new\nline", "'\" $HOME; *", "x" * 255, ".hidden"]):
        (tree / "한글 and blanks" / "deep" / name).write_bytes(os.urandom(100_000 * number))
    (tree / "circle").symlink_to(".")
    (tree / "link").symlink_to("한글 and blanks")
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o750)
    for name in ("run.sh", "한글 and blanks"):
        os.utime(tree / name, (1_600_000_000, 1_600_000_000))
    shared.cli("cp", "-rp", str(tree), "demo:")
    shared.cli("cp", "-rp", "demo:~/tree", str(tmp_path / "back"))
    demo.ok("rm -r tree")
    (tree / "circle").unlink()
    followed = [path.relative_to(tree) for path in (*tree.rglob("*"), *(tree / "link").rglob("*"))]
    assert {path.relative_to(tmp_path / "back") for path in (tmp_path / "back").rglob("*")} == set(followed)
    for name in followed:
        assert (tree / name).is_dir() or (tree / name).read_bytes() == (tmp_path / "back" / name).read_bytes()
    for name, mode in (("run.sh", 0o750), ("한글 and blanks", 0o755)):
        status = (tmp_path / "back" / name).stat()
        assert (stat.S_IMODE(status.st_mode), status.st_mtime) == (mode, 1_600_000_000)


def test_patterns_and_several_sources(demo: SshClient, shared: Deployment, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.txt", "[1].txt"):
        (tmp_path / name).write_text(name)
    demo.ok("mkdir -p many")
    shared.cli("cp", *(str(tmp_path / name) for name in ("a.csv", "b.csv", "c.txt", "[1].txt")), "demo:many/")
    (tmp_path / "back").mkdir()
    shared.cli("cp", "demo:m*y/*.csv", "demo:/home/work/many/[1].txt", str(tmp_path / "back"))
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["[1].txt", "a.csv", "b.csv"]
    demo.ok("rm -r many")


def test_what_cannot_be_copied_keeps_nothing_else_back(demo: SshClient, shared: Deployment, tmp_path: Path) -> None:
    demo.ok("mkdir -p some/closed && echo 1 >some/a && echo 2 >some/b && chmod 0 some/a some/closed")
    done = shared.admin.run("cp", "-r", "demo:some", "demo:nothing", str(tmp_path))
    assert done.returncode == 4 and b"nothing" in done.stderr and b"permission denied" in done.stderr
    assert (tmp_path / "some" / "b").read_text() == "2\n" and not (tmp_path / "some" / "a").exists()
    demo.ok("chmod 700 some/closed; rm -rf some")


def test_links_and_devices_stay_what_they_are(demo: SshClient, shared: Deployment, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    demo.ok("echo old >file; ln -sf file link; mkfifo pipe")
    shared.cli("cp", str(tmp_path / "new"), "demo:link")
    assert demo.ok("cat file; readlink link") == "newfile\n"
    for place in (("demo:file", "/dev/null"), (str(tmp_path / "new"), "demo:pipe")):
        assert b"is no file" in shared.admin.run("cp", *place).stderr
    assert Path("/dev/null").is_char_device()
    demo.ok("rm file link pipe")


def test_startup_files_disturb_no_checksum(demo: SshClient, shared: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    for line in (b"echo NOISE; printf '{'", b'[ "$BASH_EXECUTION_STRING" = "rm .bashrc" ] || exit 3'):
        demo.ok("cat >.bashrc", stdin=line + b"\n")
        (done,) = shared.admin.json("cp", str(tmp_path / "file"), "demo:f")["files"]
        assert done["compared"] == "sha256"
    demo.ok("rm .bashrc")
    demo.ok("rm f")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("demo:x", "demo:y"), 2, b"the other is here"),
        (("demo:x", "other:y", "."), 2, b"one session at a time"),
        (("no-such:x", "."), 3, b"no-such"),
        (("demo:no-such", "."), 3, b"no such file"),
        (("demo:/etc", "."), 2, b"use cp -r"),
        (("--bad", "demo:x", "."), 2, b"unknown option"),
    ],
)
def test_what_is_refused_says_why(shared: Deployment, words: tuple[str, ...], status: int, says: bytes) -> None:
    done = shared.admin.run("cp", *words)
    assert done.returncode == status and says in done.stderr, done.stderr.decode()
