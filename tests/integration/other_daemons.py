"""Docker daemons that are set up otherwise than most: one that limits disks, one that maps users."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate.turns import whole_machine
from integration.docker_daemon import DockerDaemon, docker_daemon, why_no_docker

FIRST_MAPPED_UID = 1_700_000_000
_SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))
_LINE = f"daemon:{FIRST_MAPPED_UID}:65536"


@contextmanager
def docker_on_btrfs(size: str = "2G") -> Iterator[DockerDaemon]:
    """A daemon whose images and containers are on a btrfs of their own, which limits the disk of each."""
    _need("mkfs.btrfs", "losetup")
    directory = Path(tempfile.mkdtemp(prefix="sshore-btrfs-"))
    disk, place = directory / "disk", directory / "data"
    place.mkdir()
    try:
        subprocess.run(["truncate", "-s", size, disk], check=True)
        subprocess.run(["mkfs.btrfs", "-q", disk], check=True)
        subprocess.run(["mount", "-o", "loop", disk, place], check=True)
        try:
            with docker_daemon("--data-root", str(place), "--storage-driver", "btrfs") as daemon:
                yield daemon
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)
    finally:
        shutil.rmtree(directory)


@contextmanager
def docker_that_maps_users() -> Iterator[DockerDaemon]:
    """A daemon with ``userns-remap``: uid 0 of its containers is `FIRST_MAPPED_UID` of the machine."""
    _need()
    with _subordinate_ids(), docker_daemon("--userns-remap", "daemon") as daemon:
        yield daemon


@contextmanager
def _subordinate_ids() -> Iterator[None]:
    with whole_machine("accounts"):
        for file in _SUBORDINATE:
            with file.open("a") as lines:
                lines.write(f"{_LINE}\n")
    try:
        yield
    finally:
        with whole_machine("accounts"):
            for file in _SUBORDINATE:
                kept = [line for line in file.read_text().splitlines() if line != _LINE]
                file.write_text("".join(f"{line}\n" for line in kept))


def _need(*programs: str) -> None:
    missing = [name for name in programs if not shutil.which(name)]
    why = why_no_docker() or (f"not installed here: {', '.join(missing)}" if missing else "")
    if why and os.environ.get("CI") == "true":
        pytest.fail(why)
    if why:
        pytest.skip(why)
