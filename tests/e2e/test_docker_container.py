"""What a container is made of, by options of `sshore run`: entrypoint, limits, networks; and how `show` tells it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from deployment import Deployment, SessionsIn, deployment
from host_processes import until
from ssh_client import SshClient, through_forward

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX, busybox_rootfs, image_archive, rootfs

IN_DOCKER = ("--engine", "docker", "--image", BUSYBOX, "--network", "none")


@pytest.fixture(scope="module")
def server(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    allowed = SessionsIn(docker_host=dockerd.host, settings=("SSHORE_DOCKER_HOST_NETWORK=1",))
    with deployment(kit_of=shared.state, sessions_in=allowed) as made:
        yield made


@pytest.fixture(autouse=True)
def no_process_left_behind(server: Deployment) -> Iterator[None]:
    """As everywhere, but for the server that a test starts again."""
    before = psutil.Process().children()
    yield
    left = [child for child in psutil.Process().children() if child not in before and child.pid != server.server.pid]
    _, alive = psutil.wait_procs(left, timeout=3)
    assert not alive, f"left behind: {alive}"


@pytest.fixture(autouse=True)
def no_session_left(server: Deployment) -> Iterator[None]:
    yield
    left = [session["name"] for session in server.admin.json("ls")]
    if left:
        server.remove(*left)


def started(server: Deployment, name: str, *options: str) -> SshClient:
    server.run_session(name, *options)
    return through_forward(server.admin, server.connect(name))


def shown(server: Deployment, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.admin.json("show", name)
    return found


@pytest.fixture
def image(dockerd: DockerDaemon, request: pytest.FixtureRequest) -> Iterator[str]:
    """Busybox with an ENTRYPOINT, a CMD and a WORKDIR."""
    script, arguments = request.param
    name = "sshore-test:with-entrypoint"
    dockerfile = (
        f'ENTRYPOINT ["/bin/sh", "-c", {json.dumps(script)}]',
        f"CMD {json.dumps(arguments)}",
        "WORKDIR /bin",
    )
    container = dockerd.ok("create", BUSYBOX, "true").strip()
    try:
        changes = [word for change in dockerfile for word in ("--change", change)]
        dockerd.ok("commit", *changes, container, name)
    finally:
        dockerd.ok("rm", container)
    yield name
    dockerd.docker("rmi", "-f", name)


class TestEntrypoint:
    @pytest.mark.parametrize("image", [("echo $0 $GREETING as $(id -un) in $PWD; sleep 300", ["first"])], indirect=True)
    def test_it_runs_beside_ssh_as_work_with_a_log_of_its_own(self, server: Deployment, image: str) -> None:
        box = started(server, "box", *IN_DOCKER, "--image", image, "--entrypoint")
        until(lambda: "first" in server.cli("logs", "box", "entrypoint"), "it has written")
        assert "first hello as work in /bin\n" in server.cli("logs", "box", "entrypoint")
        assert re.fullmatch(r"runs, pid \d+", shown(server, "box")["entrypoint_state"])
        assert "first hello" not in server.cli("logs", "box")
        pid = shown(server, "box")["entrypoint_state"].split()[-1]
        assert box.ok(f"stat -c %U /proc/{pid}") == "work\n"

    @pytest.mark.parametrize("image", [("echo it gives up; exit 3", [])], indirect=True)
    def test_its_end_is_told_and_is_not_the_sessions(self, server: Deployment, image: str) -> None:
        box = started(server, "box", *IN_DOCKER, "--image", image, "--entrypoint")
        until(lambda: "ended" in shown(server, "box")["entrypoint_state"], "its end is told")
        assert shown(server, "box")["entrypoint_state"].startswith("ended with exit status 3, after ")
        assert "it gives up\nentrypoint: ended with exit status 3" in server.cli("logs", "box", "entrypoint")
        assert re.search(r"entrypoint +ended with exit status 3, after", server.cli("show", "box"))
        assert (box.ok("echo it goes on"), shown(server, "box")["state"]) == ("it goes on\n", "running")

    @pytest.mark.parametrize("image", [("while :; do echo flood; done", [])], indirect=True)
    def test_one_that_floods_its_output_is_in_nobodys_way(self, server: Deployment, image: str) -> None:
        box = started(server, "box", *IN_DOCKER, "--image", image, "--entrypoint")
        assert box.ok("echo ssh") == "ssh\n"
        until(lambda: "is not kept" in server.cli("logs", "box", "entrypoint", "--tail", "2000"), "the log is full")
        assert box.ok("wc -c <.sshore/entrypoint.log").strip() < str(2 << 20)

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            (b"#!/bin/sh\r\necho\r\n", "Windows line ends"),
            (b"echo\r\necho\r\n", "Windows line ends"),
            (b"\xef\xbb\xbf#!/bin/sh\necho\n", "byte-order mark"),
        ],
    )
    def test_a_script_from_elsewhere_is_explained(
        self, server: Deployment, dockerd: DockerDaemon, script: bytes, why: str
    ) -> None:
        layers = [busybox_rootfs(), rootfs({"entry": script})]
        dockerd.ok("load", stdin=image_archive("sshore-test:entry", layers, {"Entrypoint": ["/entry"]}))
        started(server, "box", *IN_DOCKER, "--image", "sshore-test:entry", "--entrypoint")
        until(lambda: shown(server, "box")["entrypoint_state"].startswith("it cannot be run"), "it is told")
        assert why in shown(server, "box")["entrypoint_state"]

    def test_one_that_is_not_there_is_explained_and_without_the_option_none_runs(
        self, server: Deployment, dockerd: DockerDaemon
    ) -> None:
        container = dockerd.ok("create", BUSYBOX, "true").strip()
        dockerd.ok("commit", "--change", 'ENTRYPOINT ["/no/such/program"]', container, "sshore-test:no-program")
        dockerd.ok("rm", container)
        box = started(server, "box", *IN_DOCKER, "--image", "sshore-test:no-program", "--entrypoint")
        until(lambda: shown(server, "box")["entrypoint_state"].startswith("it cannot be run"), "it is told")
        assert "No such file or directory: /no/such/program" in shown(server, "box")["entrypoint_state"]
        assert box.ok("echo ssh") == "ssh\n"
        started(server, "other", *IN_DOCKER, "--image", "sshore-test:no-program")
        assert shown(server, "other")["entrypoint_state"] == ""
        assert server.cli("logs", "other", "entrypoint") == ""


class TestResources:
    def test_they_are_what_is_found_inside(self, server: Deployment) -> None:
        limits = ("--cpus", "0.5", "--memory", "256m", "--pids", "64", "--shm", "32m")
        ulimits = ("--ulimit", "nofile=4096:8192", "--ulimit", "core=0")
        box = started(server, "box", *IN_DOCKER, *limits, *ulimits)
        assert box.ok("df -k /dev/shm | tail -1").split()[1] == str(32 << 10)
        assert box.ok("ulimit -Sn; ulimit -Hn; ulimit -c").split() == ["4096", "8192", "0"]
        groups = "/sys/fs/cgroup"
        memory = box.ok(f"cat {groups}/memory/memory.limit_in_bytes {groups}/memory.max 2>/dev/null; true")
        cpu = box.ok(f"cat {groups}/cpu/cpu.cfs_quota_us {groups}/cpu.max 2>/dev/null; true")
        pids = box.ok(f"cat {groups}/pids/pids.max {groups}/pids.max 2>/dev/null; true")
        assert (memory.split()[0], cpu.split()[0], pids.split()[0]) == (str(256 << 20), "50000", "64")
        lines = server.cli("show", "box")
        assert re.search(r"shared memory +32 MiB\n", lines)
        assert re.search(r"ulimits +nofile=4096:8192, core=0:0\n", lines)

    def test_what_cannot_be_is_refused_by_name(self, server: Deployment) -> None:
        def refused(*options: str) -> str:
            done = server.admin.run("run", "box", *options)
            assert done.returncode != 0
            return done.stderr.decode()

        assert "cannot limit the disk: its storage driver overlay2 can on XFS" in refused(*IN_DOCKER, "--disk", "1g")
        assert "there is no ulimit 'nofiles' to choose; did you mean nofile" in refused("--ulimit", "nofiles=1")
        assert "kernel allows" in refused(*IN_DOCKER, "--ulimit", "nofile=unlimited")
        assert "--disk does not limit" in refused("--engine", "sandbox", "--network", "none", "--disk", "1g")
        assert "no entrypoints" in refused("--engine", "sandbox", "--network", "none", "--entrypoint")
        assert "cannot be more than that" in refused(*IN_DOCKER, "--memory", "64m", "--shm", "65m")

    def test_a_sandbox_has_shared_memory_and_ulimits_too(self, server: Deployment) -> None:
        limits = ("--shm", "32m", "--ulimit", "nofile=100:200")
        box = started(server, "box", "--engine", "sandbox", "--network", "none", *limits)
        assert box.ok("df -k --output=size /dev/shm | tail -1").strip() == str(32 << 10)
        assert box.ok("ulimit -Sn; ulimit -Hn").split() == ["100", "200"]


@pytest.mark.parametrize("where", [IN_DOCKER, ("--engine", "sandbox", "--network", "none")], ids=["docker", "sandbox"])
def test_a_program_that_wants_too_much_memory_is_told_and_the_session_goes_on(
    server: Deployment, where: tuple[str, ...]
) -> None:
    box = started(server, "box", *where, "--memory", "64m")
    assert shown(server, "box")["memory_kills"] is None
    for _ in range(2):
        assert box.run("head -c 200m /dev/zero | tail -c 200m >/dev/null").returncode != 0
    kills = shown(server, "box")["memory_kills"]
    assert kills["count"] == 2
    assert kills["program"] == "tail"
    assert re.search(
        r"memory used up +2 times, the last at \S+Z: tail was ended \(the limit is 64 MiB\)\n",
        server.cli("show", "box"),
    )
    server.server.kill()
    server.server.start()
    until(lambda: box.run("true").returncode == 0, "it can be reached again")
    assert shown(server, "box")["memory_kills"] == kills
    assert shown(server, "box")["state"] == "running"
    server.cli("stop", "box")
    assert shown(server, "box")["memory_kills"] is None


class TestNetworks:
    @pytest.mark.parametrize("network", ["nat", "none", "host"])
    def test_all_of_ssh_works_in_each(self, server: Deployment, network: str) -> None:
        box = started(server, "box", *IN_DOCKER, "--network", network)
        assert box.ok("cat", stdin=b"through it") == "through it"
        box.sftp("put /etc/hostname here", "ls here")
        box.ok("nc -ll -p 18777 -e echo forwarded >/dev/null 2>&1 & :")
        until(lambda: box.run(flags=("-W", "127.0.0.1:18777")).stdout == b"forwarded\n", "the forward gives an answer")
        box.ok("killall nc")

    def test_sessions_are_closed_to_each_other_even_on_one_network(self, server: Deployment) -> None:
        one, other = (started(server, name, *IN_DOCKER, "--network", "nat") for name in ("one", "other"))
        address = other.ok("hostname -i").split()[0]
        other.ok("nc -ll -p 7777 -e echo hello >/dev/null 2>&1 & :")
        until(lambda: b"hello" in other.run(f"nc -w 2 {address} 7777 </dev/null").stdout, "it listens")
        assert b"hello" not in one.run(f"nc -w 2 {address} 7777 </dev/null").stdout
        # Nor by the name that the daemon's name service has for it.
        assert b"hello" not in one.run("nc -w 2 other 7777 </dev/null").stdout
