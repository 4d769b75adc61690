"""A full disk under the config directory: one line, and what was there before is still there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from fake_server import FakeServer
from sftp_side import SFTP_SERVER, SftpSide

from sshore.cli.failures import report
from sshore.core.errors import SshoreError

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small file system"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_login_on_a_full_disk_leaves_the_old_one(small_disk: Path) -> None:
    with FakeServer() as server:
        sshore = CommandLine(small_disk)
        sshore.ok("login", server.url, "--token", server.token)
        before = (small_disk / "credentials.json").read_bytes()
        with (small_disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space"):
            while True:
                filler.write(bytes(4096))
        done = sshore.run("login", server.url, "--token", server.token)
    assert done.returncode == 1
    assert done.stderr.startswith(b"sshore: the disk is full: ")
    assert done.stderr.count(b"\n") == 1
    assert (small_disk / "credentials.json").read_bytes() == before
    assert not list(small_disk.rglob(".*.*"))


@pytest.mark.skipif(not Path(SFTP_SERVER).exists(), reason="openssh-sftp-server is not installed")
def test_a_copy_that_fills_the_disk_is_named(
    small_disk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1 << 20))
    with pytest.raises(SshoreError) as failure:
        SftpSide(tmp_path).copy("there:big", str(small_disk))
    assert report(failure.value) == 1
    said, part = capsys.readouterr().err, small_disk / "big.part"
    assert f"{part}: No space left on device" in said
    assert "the same command goes on from there" in said
    assert part.stat().st_size
