"""The docker engine's pure parts: account files, containers, endings, options, the shell of images without one."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sshore.core.allowed import Allowed
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed, Forbidden, InvalidInput
from sshore.core.ids import SessionId
from sshore.core.sessions import BindMount, EngineState, Resources, RunState, SessionSpec
from sshore.engines.docker.accounts import group_with_work, passwd_with_work, profile_with_path
from sshore.engines.docker.archives import Entry, below
from sshore.engines.docker.container import Surroundings, container_config, container_name
from sshore.engines.docker.ending import state_of
from sshore.engines.docker.gpus import choose_gpus, find_gpus
from sshore.engines.docker.images import ImageContents
from sshore.engines.docker.options import DockerOptions
from sshore.engines.docker.shell import NO_SHELL_TEXT
from sshore.engines.docker.variables import image_words, login_variables
from sshore.engines.mounting.mount_points import make_mount_points
from sshore.server.docker import docker_options

UID = 1_900_000_007
SPEC = SessionSpec(
    SessionId("abc"), "demo", Path("/s/home"), Path("/s/run"), Path("/link"), Path("/kit"), host_uid=UID, image="img"
)
AROUND = Surroundings("here", UID, memory_bytes=8 << 30)


def test_what_is_put_into_a_volume_is_named_from_there() -> None:
    passwd, tmp, near = Entry("etc/passwd", "", 0o644), Entry("tmp", None, 0o1777), Entry("etcetera/x", "", 0o644)
    assert below("/etc", [passwd, tmp, near]) == [Entry("passwd", "", 0o644)]
    assert below("/tmp", [passwd, tmp, near]) == []


class TestAccountFiles:
    def test_work_is_first_so_that_its_uid_has_this_name(self) -> None:
        passwd = passwd_with_work(
            "root:x:0:0::/root:/bin/sh\nubuntu:x:1000:1000::/home/ubuntu:/bin/bash\n", 1000, "/bin/sh"
        )
        assert passwd.splitlines() == [
            "work:x:1000:1000:work:/home/work:/bin/sh",
            "root:x:0:0::/root:/bin/sh",
            "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash",
        ]

    def test_an_account_work_of_the_images_or_of_a_former_session_gives_way(self) -> None:
        once = passwd_with_work("root:x:0:0::/:/bin/sh\nwork:x:5:5::/:/bin/false\n", UID, "/bin/sh")
        assert passwd_with_work(once, UID, "/bin/sh") == once
        assert [line.partition(":")[0] for line in once.splitlines()] == ["work", "root"]

    def test_an_image_without_accounts_gets_root_and_work(self) -> None:
        assert [line.partition(":")[0] for line in passwd_with_work("", UID, "/bin/sh").splitlines()] == [
            "work",
            "root",
        ]
        assert [line.partition(":")[0] for line in group_with_work("", UID).splitlines()] == ["work", "root"]

    def test_the_images_path_is_back_after_a_profile_that_sets_it_anew(self) -> None:
        profile = profile_with_path("PATH=/usr/bin:/bin\n", "/opt/it's/bin:/usr/bin")
        assert _path_after(profile) == "/opt/it's/bin:/usr/bin:/usr/bin:/bin:/opt/sshore/bin"

    def test_it_is_written_once_however_often_it_is_made(self) -> None:
        once = profile_with_path("PATH=/bin", "/opt/bin:/bin")
        assert profile_with_path(once, "/opt/bin:/bin") == once
        assert _path_after(once * 2) == "/opt/bin:/bin:/bin:/opt/sshore/bin"


def _path_after(profile: str) -> str:
    return subprocess.run(["/bin/sh", "-c", f"{profile}\necho $PATH"], capture_output=True, text=True).stdout.strip()


class TestTheContainer:
    def test_it_has_the_least_of_rights(self) -> None:
        config = container_config(SPEC, ImageContents("sha256:1"), AROUND, nat_network="0a1b")
        host = config["HostConfig"]
        assert (config["User"], host["CapDrop"], host["SecurityOpt"]) == (
            f"{UID}:{UID}",
            ["ALL"],
            ["no-new-privileges"],
        )
        assert not {"Privileged", "Devices", "Binds", "PidMode"} & host.keys()
        assert (host["NetworkMode"], host["IpcMode"]) == ("0a1b", "private")

    def test_it_can_be_found_again_and_told_from_others(self) -> None:
        assert container_name(SPEC) == "sshore-demo-abc"
        assert container_config(SPEC, ImageContents("sha256:1"), AROUND)["Labels"] == {
            "sshore.session": "abc", "sshore.deployment": "here", "sshore.gpus": "",
        }  # fmt: skip

    def test_the_platforms_places_are_read_only(self) -> None:
        spec = replace(SPEC, mounts=(BindMount(Path("/f"), "/data", read_only=True),))
        mounts = {
            it["Target"]: it["ReadOnly"]
            for it in container_config(spec, ImageContents("i"), AROUND)["HostConfig"]["Mounts"]
        }
        assert mounts == {
            "/home/work": False, "/run/sshore": True, "/run/sshore/link": True, "/opt/sshore": True, "/data": True,
        }  # fmt: skip

    def test_limits_are_the_kernels_and_there_is_no_swap(self) -> None:
        spec = replace(SPEC, resources=Resources(cpus=1.5, memory_bytes=1 << 30, pids=100), network=Network.NONE)
        host = container_config(spec, ImageContents("i"), AROUND)["HostConfig"]
        assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (1_500_000_000, 1 << 30, 1 << 30)
        assert (host["PidsLimit"], host["ShmSize"], host["NetworkMode"]) == (100, 1 << 30, "none")

    def test_gpus_are_requested_by_number(self) -> None:
        config = container_config(SPEC, ImageContents("i"), replace(AROUND, gpus=("0", "3")))
        (request,) = config["HostConfig"]["DeviceRequests"]
        assert (request["Driver"], request["DeviceIDs"]) == ("nvidia", ["0", "3"])
        assert config["Labels"]["sshore.gpus"] == "0,3"

    def test_libraries_of_the_images_are_not_for_the_kits_programs(self) -> None:
        image = ImageContents("i", {"LD_PRELOAD": "/lib/evil.so", "A": "b"})
        assert "LD_PRELOAD" in container_config(SPEC, image, AROUND)["Env"]


def test_variables_of_another_account_are_none_of_a_logins() -> None:
    inspected = {"Config": {"Env": ["HOME=/root", "USER=root", "PATH=/opt:/bin", "EMPTY=", "A=b=c"]}}
    assert login_variables(image_words(inspected)) == ({"PATH": "/opt:/bin", "EMPTY": "", "A": "b=c"}, {})
    assert image_words({"Config": None}) == []


class TestEndings:
    @pytest.mark.parametrize(
        ("state", "reason"),
        [
            ({"ExitCode": 0}, "the agent was asked to end"),
            ({"ExitCode": 3}, "the agent ended with exit status 3"),
            ({"ExitCode": 137}, "the agent was ended by SIGKILL"),
            (
                {"ExitCode": 137, "OOMKilled": True},
                "out of memory: its limit is 1 GiB, and the kernel killed the agent",
            ),
            ({"ExitCode": 255}, "its processes were ended with the machine or with the Docker daemon"),
            ({"ExitCode": 127, "Error": "no such file"}, "the agent could not start: no such file"),
            ({"Status": "created"}, "the server ended while it started the session"),
        ],
    )
    def test_each_is_explained(self, state: dict[str, Any], reason: str) -> None:
        container = {"State": {"Status": "exited", **state}, "HostConfig": {"Memory": 1 << 30}}
        assert state_of(container, stopped_by_us=False) == EngineState(RunState.EXITED, reason)

    def test_an_end_that_was_asked_for_is_no_failure(self) -> None:
        container = {"State": {"Status": "exited", "ExitCode": 137}}
        assert state_of(container, stopped_by_us=True) == EngineState(RunState.EXITED, "stopped")

    def test_a_paused_container_has_not_ended(self) -> None:
        assert state_of({"State": {"Status": "paused"}}, stopped_by_us=False).run_state is RunState.RUNNING


class TestOptions:
    def test_they_come_from_the_environment(self) -> None:
        options = docker_options({"DOCKER_HOST": "unix:///run/podman.sock", "SSHORE_DOCKER_IMAGES": "debian:*, my/*"})
        assert (options.socket, options.configured) == (Path("/run/podman.sock"), True)
        assert (options.images, options.host_network) == (("debian:*", "my/*"), Allowed.NONE)
        assert not docker_options({}).configured

    def test_a_daemon_elsewhere_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="the daemon must be here"):
            _ = DockerOptions("tcp://10.0.0.1:2375").socket

    def test_a_pattern_of_names_is_none_of_registries(self) -> None:
        options = DockerOptions(images=("debian*", "ghcr.io/us*"))
        for name in ("debian", "debian:12", "debian-slim", "ghcr.io/us/deep/one:1"):
            options.check_image(name)
        for name in ("debian.example.org/x", "debian/x", "ghcr.io.example.org/us/x"):
            with pytest.raises(Forbidden):
                options.check_image(name)

    def test_images_are_allowed_by_pattern(self) -> None:
        options = DockerOptions(images=("debian:*", "ghcr.io/us/*"))
        options.check_image("debian:12")
        with pytest.raises(Forbidden, match=r"debian:\*, ghcr.io/us/\*"):
            options.check_image("ubuntu:24.04")


class TestGpus:
    def test_a_session_gets_what_no_other_has(self, tmp_path: Path) -> None:
        for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "null"):
            (tmp_path / name).touch()
        gpus = find_gpus(tmp_path)
        assert gpus == ("0", "2", "10")
        assert choose_gpus(2, gpus, {"0"}) == ("2", "10")
        with pytest.raises(EngineFailed, match="2 GPUs are wanted and 1 of 3 are free"):
            choose_gpus(2, gpus, {"0", "2"})


class TestMountPoints:
    def test_they_are_made_below_the_home_only(self, tmp_path: Path) -> None:
        mounts = (
            BindMount(tmp_path, "/home/work/a/b"),
            BindMount(tmp_path, "/data"),
            BindMount(tmp_path, "/home/work"),
        )
        make_mount_points(tmp_path, mounts, None)
        assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["a", "a/b"]

    def test_no_link_is_followed(self, tmp_path: Path) -> None:
        home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
        home.mkdir()
        elsewhere.mkdir()
        (home / "a").symlink_to(elsewhere)
        with pytest.raises(EngineFailed, match="/home/work/a/b, where something else lies"):
            make_mount_points(home, [BindMount(tmp_path, "/home/work/a/b")], None)
        assert list(elsewhere.iterdir()) == []


class TestTheShellOfImagesWithoutOne:
    @pytest.mark.parametrize(
        ("line", "output"),
        [
            ("echo 'one  word' two", "one  word two"),
            ('echo "it\'s" a\\ b', "it's a b"),
            ("echo '$HOME'", "$HOME"),
        ],
    )
    def test_it_runs_single_programs(self, line: str, output: str) -> None:
        done = _shell("-c", line)
        assert (done.returncode, done.stdout.strip()) == (0, output)

    @pytest.mark.parametrize("line", ["echo a | cat", "echo $HOME", "a; b", "echo `id`", "cat <file", ""])
    def test_it_refuses_what_needs_a_shell(self, line: str) -> None:
        done = _shell("-c", line)
        assert (done.returncode, "has no shell" in done.stderr) == (127, True)

    def test_it_names_a_program_that_is_not_there(self) -> None:
        assert "nosuchprogram: No such file" in _shell("-c", "nosuchprogram -x").stderr


def _shell(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-c", NO_SHELL_TEXT, *arguments], capture_output=True, text=True)
