"""What depends on how the daemon is set up: limits on the disk, users that it maps."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker_world import DockerWorld, docker_world
from worlds import OTHER_OWNER_UID, OWNER_UID, start, with_engine

from integration.docker_images import BUSYBOX
from integration.other_daemons import FIRST_MAPPED_UID, docker_on_btrfs, docker_that_maps_users
from integration.podman_service import PodmanService
from sshore.core.allowed import Allowed
from sshore.core.errors import Forbidden
from sshore.core.sessions import BindMount, Resources


def test_a_disk_that_is_limited_is_full_at_its_limit() -> None:
    with docker_on_btrfs() as daemon:
        daemon.need(BUSYBOX)
        with docker_world(daemon, root=Allowed.ALL) as world:
            spec = world.spec(resources=Resources(disk_bytes=64 << 20))
            start(world, replace(spec, root=True))
            inside = world.inside(spec)
            inside.output("dd if=/dev/zero of=/opt/first bs=1M count=32 && sync")
            status, said = inside.run("dd if=/dev/zero of=/opt/more bs=1M count=64 && sync")
            assert status != 0 and "quota" in said.lower()
            # What lies elsewhere is another's: the home is on the host's disk.
            inside.output("dd if=/dev/zero of=/home/work/big bs=1M count=96 && rm /opt/first /opt/more; sync")
            inside.output("dd if=/dev/zero of=/opt/again bs=1M count=16")


@pytest.fixture(scope="module")
def mapping() -> Iterator[DockerWorld]:
    with docker_that_maps_users() as daemon:
        daemon.need(BUSYBOX)
        with docker_world(daemon, root=Allowed.ADMINS) as world:
            yield world


def test_podmans_service_gives_root_too(podman: PodmanService) -> None:
    podman.need(BUSYBOX)
    with docker_world(podman, root=Allowed.ALL) as world:
        limits = Resources(memory_bytes=64 << 20, shm_bytes=32 << 20)
        spec = replace(world.spec(resources=limits), root=True)
        start(world, spec)
        inside = world.inside(spec)
        assert inside.output("id -un; touch file; chown 33 file; stat -c %u . file").split() == ["root", "0", "33"]
        assert inside.output("df -k /dev/shm | tail -1").split()[1] == str(32 << 10)
        assert (spec.home / "file").stat().st_uid not in (0, 33)
        assert inside.run("mount -t tmpfs none /mnt")[0] != 0
        assert inside.run("head -c 200m /dev/zero | tail -c 200m >/dev/null")[0] != 0
        kills = with_engine(world, lambda engine: engine.memory_kills(spec.id))
        assert (kills.count, kills.program) == (1, "tail")


class TestADaemonThatMapsUsers:
    def test_root_is_nobody_outside_and_its_files_are_the_owners(self, mapping: DockerWorld) -> None:
        folder = mapping.state / "folder"
        folder.mkdir()
        os.chown(folder, OWNER_UID, OWNER_UID)
        spec = replace(mapping.spec(mounts=(BindMount(folder, "/home/work/data"),)), root=True, for_admin=True)
        start(mapping, spec)
        inside = mapping.inside(spec)
        status = Path(f"/proc/{mapping.agent_pid(spec.id)}/status").read_text()
        assert f"\nUid:\t{FIRST_MAPPED_UID}\t" in status
        assert inside.output("id -u; whoami; stat -c %u . data /etc/passwd; cat /run/sshore/agent.json").split()[
            :6
        ] == [
            *("0", "root", "0", "0", "0", "secret"),
        ]
        inside.output("touch data/file; chown 33:33 data/file; stat -c %u data/file; chown 0 data/file; mkdir /of-root")
        assert (folder / "file").stat().st_uid == OWNER_UID
        assert inside.run("mount -t tmpfs none /mnt")[0] != 0
        assert not any((mapping.state / "docker" / "mounts").iterdir())

    def test_without_root_a_session_is_as_everywhere(self, mapping: DockerWorld) -> None:
        theirs = BindMount(mapping.folder("theirs", OTHER_OWNER_UID), "/home/work/theirs", disk_uid=OTHER_OWNER_UID)
        spec = mapping.spec(mounts=(theirs,))
        start(mapping, spec)
        inside = mapping.inside(spec)
        assert inside.output("id -un; touch file theirs/new; stat -c %U file theirs/new").split() == ["work"] * 3
        assert (spec.home / "file").stat().st_uid == OWNER_UID
        assert (theirs.source / "new").stat().st_uid == OTHER_OWNER_UID

    def test_members_are_refused_where_admins_may(self, mapping: DockerWorld) -> None:
        with pytest.raises(Forbidden, match="for administrators alone here"):
            start(mapping, replace(mapping.spec(), root=True))
