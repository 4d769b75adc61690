"""The docker engine's pure parts for root, GPUs and limits."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sshore.core.allowed import Allowed
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed, Forbidden, InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import Resources, SessionSpec
from sshore.core.ulimits import parse_ulimit
from sshore.engines.docker.accounts import group_with_root, passwd_with_root, passwd_with_work
from sshore.engines.docker.container import Surroundings, container_config
from sshore.engines.docker.gpus import gpu_driver
from sshore.engines.docker.images import ImageContents
from sshore.engines.docker.limits import check_limits
from sshore.engines.docker.root import (
    check_root,
    inside_root,
    privilege_separation_directories,
    root_ranges,
)
from sshore.server.docker import docker_options
from sshore.wire.problems import Code

SPEC = SessionSpec(
    SessionId("abc"), "demo", Path("/s/home"), Path("/s/run"), Path("/link"), Path("/kit"), host_uid=70001, image="img"
)
AROUND = Surroundings("here", 0, memory_bytes=8 << 30)
XFS = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "xfs"]], "DockerRootDir": "/"}


class TestRoot:
    @pytest.mark.parametrize(("policy", "for_admin"), [("none", True), ("none", False), ("admins", False)])
    def test_it_is_for_those_whom_the_administrator_allows_it(self, policy: str, for_admin: bool) -> None:
        with pytest.raises(Forbidden, match="SSHORE_DOCKER_ROOT") as refused:
            check_root(replace(SPEC, for_admin=for_admin), Allowed(policy), Path("/nowhere"))
        assert refused.value.problem.code is Code.ROOT_NOT_ALLOWED

    def test_it_does_not_go_with_the_hosts_network(self) -> None:
        with pytest.raises(InvalidInput, match="cannot have the host's network"):
            check_root(replace(SPEC, network=Network.HOST), Allowed.ALL, Path("/nowhere"))

    def test_who_may_is_a_setting(self) -> None:
        assert docker_options({}).root is Allowed.NONE
        assert docker_options({"SSHORE_DOCKER_ROOT": "Admins"}).root is Allowed.ADMINS
        with pytest.raises(InvalidInput, match="give one of none, admins, all"):
            docker_options({"SSHORE_DOCKER_ROOT": "yes"})

    def test_a_daemon_that_maps_users_tells_where_to(self) -> None:
        remapping = {"SecurityOptions": ["name=seccomp", "name=userns"]}
        assert inside_root({"DockerRootDir": "/var/lib/docker/1.2"}) == 0
        assert inside_root({**remapping, "DockerRootDir": "/var/lib/docker/165536.165536"}) == 165536
        with pytest.raises(EngineFailed, match="does not tell where to"):
            inside_root({**remapping, "DockerRootDir": "/var/lib/docker"})

    def test_no_two_uids_meet_on_the_disk(self) -> None:
        owner, others = root_ranges(1_900_000_000, 0)
        assert (owner.in_mount, owner.length, others.in_mount) == (0, 1, 1)
        assert others.on_disk + others.length <= 1_900_000_000

    def test_root_is_called_root_and_work_is_another_name_of_it(self) -> None:
        lines = passwd_with_root("root:x:0:0:root:/root:/bin/bash\nwork:x:7:7::/:/bin/sh\n", "/bin/sh").splitlines()
        assert lines[0] == "root:x:0:0:root:/root:/bin/bash"
        assert lines[-1] == "work:x:0:0:work:/home/work:/bin/sh"
        assert [line.partition(":")[0] for line in lines] == ["root", "sshd", "work"]
        assert group_with_root("") == "root:x:0:\n"

    def test_an_image_that_was_kept_of_such_a_session_starts_without_root_too(self) -> None:
        kept = passwd_with_root("", "/bin/sh")
        assert passwd_with_work(kept, 70001, "/bin/sh").count("work:x:") == 1
        assert passwd_with_root(kept, "/bin/sh") == kept

    def test_its_rights_are_few(self) -> None:
        config = container_config(replace(SPEC, root=True), ImageContents("id"), AROUND)["HostConfig"]
        assert config["CapDrop"] == ["ALL"]
        assert not {"SYS_ADMIN", "MKNOD", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SETFCAP"} & set(config["CapAdd"])
        assert config["SecurityOpt"] == ["no-new-privileges"]
        assert container_config(SPEC, ImageContents("id"), AROUND)["HostConfig"]["CapAdd"] == []

    def test_a_daemon_that_maps_users_maps_those_with_root(self) -> None:
        mapping = replace(AROUND, remaps_users=True)
        assert (
            "UsernsMode" not in container_config(replace(SPEC, root=True), ImageContents("id"), mapping)["HostConfig"]
        )
        assert container_config(SPEC, ImageContents("id"), mapping)["HostConfig"]["UsernsMode"] == "host"

    def test_the_directory_of_roots_sshd_is_read_from_the_program(self, tmp_path: Path) -> None:
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin/sshd").write_bytes(b"ELF\0/run/sshd\0/var/empty/sshd.not\0")
        (tmp_path / "bin/sshd-auth").write_bytes(b"\0/var/empty/sshd\0")
        assert privilege_separation_directories(tmp_path) == {"/run/sshd", "/var/empty/sshd"}


class TestLimits:
    def test_what_was_asked_for_is_what_the_daemon_is_told(self) -> None:
        resources = Resources(shm_bytes=2 << 30, disk_bytes=1 << 30, ulimits=(parse_ulimit("nofile=64:128"),))
        config = container_config(replace(SPEC, resources=resources), ImageContents("id"), AROUND)["HostConfig"]
        assert config["ShmSize"] == 2 << 30
        assert config["StorageOpt"] == {"size": str(1 << 30)}
        assert config["Ulimits"] == [{"Name": "nofile", "Soft": 64, "Hard": 128}]

    @pytest.mark.parametrize(
        "info", [{"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}, {"Driver": "vfs"}, XFS]
    )
    def test_a_disk_that_cannot_be_limited_is_named(self, info: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput, match="cannot limit the disk") as refused:
            check_limits(Resources(disk_bytes=1 << 30), info)
        assert refused.value.problem.code is Code.LIMIT_UNSUPPORTED

    @pytest.mark.parametrize("driver", ["btrfs", "zfs"])
    def test_drivers_that_limit_disks_are_believed(self, driver: str) -> None:
        check_limits(Resources(disk_bytes=1 << 30), {"Driver": driver})


class TestGpus:
    def test_they_are_asked_for_by_cdi_where_daemon_and_machine_have_it(self, tmp_path: Path) -> None:
        directories = {"CDISpecDirs": [str(tmp_path), "/nowhere"]}
        assert gpu_driver(directories) == "nvidia"
        (tmp_path / "nvidia.yaml").write_text("cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n")
        assert gpu_driver(directories) == "cdi"
        assert gpu_driver({}) == "nvidia"  # before Docker 25

    def test_podman_that_would_pass_them_over_is_refused(self) -> None:
        with pytest.raises(EngineFailed, match="takes Podman 5"):
            gpu_driver({"BuildahVersion": "1.28.2", "ServerVersion": "4.3.1"})

    @pytest.mark.parametrize(
        ("driver", "asked"),
        [
            ("cdi", {"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0", "nvidia.com/gpu=2"]}),
            (
                "nvidia",
                {"Driver": "nvidia", "DeviceIDs": ["0", "2"], "Capabilities": [["gpu", "utility", "compute"]]},
            ),
        ],
    )
    def test_a_request_names_those_that_were_chosen(self, driver: str, asked: dict[str, Any]) -> None:
        around = replace(AROUND, gpus=("0", "2"), gpu_driver=driver)
        assert container_config(SPEC, ImageContents("id"), around)["HostConfig"]["DeviceRequests"] == [asked]
