"""What a session in a container cannot do, whatever it tries; and what its networks and limits are like inside."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from docker_world import DockerWorld, docker_world
from worlds import OTHER_OWNER_UID, eventually, start, with_engine

from gate.turns import whole_machine
from integration.docker_daemon import DockerDaemon
from integration.docker_images import image_archive, rootfs
from sshore.core.allowed import Allowed
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed, Forbidden, InvalidInput, NotFound, Unavailable
from sshore.core.images import PullProgress
from sshore.core.sessions import BindMount, EngineState, Resources, RunState
from sshore.engines.docker.engine import DockerEngine

MEMORY = 64 << 20


@pytest.fixture
def world(dockerd: DockerDaemon) -> Iterator[DockerWorld]:
    with docker_world(dockerd) as made:
        yield made


class TestEscapes:
    def test_there_is_no_capability_and_none_to_be_had(self, world: DockerWorld) -> None:
        spec = world.spec()
        start(world, spec)
        inside = world.inside(spec)
        status = dict(line.split(":\t", 1) for line in inside.output("cat /proc/self/status").splitlines())
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")

    def test_other_sessions_and_the_host_are_not_to_be_seen(self, world: DockerWorld) -> None:
        mine, other = world.spec(), world.spec(uid=OTHER_OWNER_UID)
        (other.home / "secret").write_text("of the other session")
        start(world, mine, other)
        inside = world.inside(mine)
        assert inside.run(f"cat {other.home}/secret")[0] != 0
        assert inside.run(f"kill -0 {world.agent_pid(other.id)}")[0] != 0
        assert inside.output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").count("/opt/sshore/agent") >= 1
        assert str(world.state) not in inside.output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")

    def test_a_link_in_the_home_leads_no_mount_anywhere(self, world: DockerWorld) -> None:
        folder = world.state / "folder"
        folder.mkdir()
        for link in ("/etc", "/opt/sshore", str(world.state)):
            spec = world.spec(mounts=(BindMount(folder, "/home/work/data/deep"),))
            (spec.home / "data").symlink_to(link)
            with pytest.raises(EngineFailed, match="/home/work/data/deep, where something else lies"):
                start(world, spec)
            assert world.leftovers(spec.id) == []
        assert not (world.state / "deep").exists()

    def test_a_mount_point_is_the_owners(self, world: DockerWorld) -> None:
        folder = world.state / "folder"
        folder.mkdir()
        spec = world.spec(mounts=(BindMount(folder, "/home/work/a/b", read_only=True),))
        start(world, spec)
        assert world.inside(spec).output("stat -c %U a") == "work\n"
        assert world.inside(spec).run("touch a/b/file")[0] != 0
        assert {(spec.home / name).stat().st_uid for name in ("a", "a/b")} == {world.owner_uid}


class TestNetworks:
    def test_none_is_the_loopback_only(self, world: DockerWorld) -> None:
        spec = world.spec()
        start(world, spec)
        assert world.inside(spec).output("ls /sys/class/net") == "lo\n"

    def test_sessions_cannot_reach_each_other(self, world: DockerWorld) -> None:
        one, other = world.spec(network=Network.NAT), world.spec(network=Network.NAT)
        start(world, one, other)
        address = world.inside(other).output("hostname -i").split()[0]
        world.inside(other).output("nc -l -p 7777 -e echo hello >/dev/null 2>&1 &")
        assert world.inside(other).output(f"nc -w 2 {address} 7777 </dev/null") == "hello\n"
        world.inside(other).output("nc -l -p 7777 -e echo hello >/dev/null 2>&1 &")
        assert "hello" not in world.inside(one).run(f"nc -w 2 {address} 7777 </dev/null")[1]

    def test_nat_reaches_out_but_neither_the_hosts_loopback_nor_metadata(self, world: DockerWorld) -> None:
        spec = world.spec(network=Network.NAT)
        start(world, spec)
        inside = world.inside(spec)
        gateway = inside.output("ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'").strip()
        with _greeter("0.0.0.0") as port:
            assert inside.output(f"nc -w 3 {gateway} {port} </dev/null") == "hello"
        with _greeter("127.0.0.1") as port:
            assert "hello" not in inside.run(f"nc -w 2 {gateway} {port} </dev/null")[1]
            assert "hello" not in inside.run(f"nc -w 2 127.0.0.1 {port} </dev/null")[1]
        with _metadata_service() as (address, port):
            assert "hello" not in inside.run(f"nc -w 2 {address} {port} </dev/null")[1]

    def test_the_hosts_own_is_for_those_who_allow_it(self, dockerd: DockerDaemon, world: DockerWorld) -> None:
        with pytest.raises(Forbidden, match="SSHORE_HOST_NETWORK"):
            start(world, world.spec(network=Network.HOST))
        with docker_world(dockerd, host_network=Allowed.ALL) as allowing:
            spec = allowing.spec(network=Network.HOST)
            start(allowing, spec)
            assert "lo" in allowing.inside(spec).output("ls /sys/class/net").split()


@contextmanager
def _greeter(host: str) -> Iterator[int]:
    """Says hello to whoever connects."""
    with socket.create_server((host, 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@contextmanager
def _metadata_service() -> Iterator[tuple[str, int]]:
    """The address of clouds' metadata services, on this machine's loopback device while it is needed."""
    address = "169.254.169.254"
    with whole_machine(address):
        os.system(f"ip address add {address}/32 dev lo")
        try:
            with _greeter(address) as port:
                with socket.create_connection((address, port), timeout=5) as here:
                    assert here.recv(5) == b"hello"
                yield address, port
        finally:
            os.system(f"ip address del {address}/32 dev lo")


class TestLimits:
    def test_they_are_what_the_kernel_holds(self, world: DockerWorld) -> None:
        spec = world.spec(resources=Resources(cpus=0.5, memory_bytes=MEMORY, pids=64))
        start(world, spec)
        config = world.daemon.inspect(world.container(spec.id))["HostConfig"]
        assert (config["NanoCpus"], config["Memory"], config["MemorySwap"]) == (500_000_000, MEMORY, MEMORY)
        assert config["PidsLimit"] == 64
        assert world.inside(spec).output("df -k /dev/shm | tail -1").split()[1] == str(MEMORY // 1024)

    def test_more_memory_is_not_to_be_had_and_the_session_goes_on(self, world: DockerWorld) -> None:
        spec = world.spec(resources=Resources(memory_bytes=MEMORY))
        start(world, spec)
        assert world.inside(spec).run("head -c 200m /dev/zero | tail -c 200m >/dev/null")[0] != 0
        assert world.inside(spec).output("echo it goes on") == "it goes on\n"

    def test_a_fork_bomb_stays_bounded(self, world: DockerWorld) -> None:
        spec = world.spec(resources=Resources(pids=32))
        start(world, spec)
        world.inside(spec).run("for i in $(seq 100); do sleep 3 & done 2>/dev/null; true")
        assert len(world.leftovers(spec.id)) <= 34

    def test_an_agent_killed_for_want_of_memory_is_explained_and_starts_again(self, world: DockerWorld) -> None:
        spec = world.spec(resources=Resources(memory_bytes=MEMORY))
        program = world.kit / "python/bin/python3"
        agent = program.read_text()
        program.write_text("#!/bin/sh\nexec dd if=/dev/zero of=/dev/null bs=200M count=1\n")
        start(world, spec)
        end = with_engine(world, lambda engine: engine.wait(spec.id))
        assert end == EngineState(
            RunState.EXITED, "out of memory: its limit is 64 MiB, and the kernel killed the agent"
        )
        program.write_text(agent)
        start(world, spec)
        assert with_engine(world, lambda engine: engine.inspect(spec.id)).run_state is RunState.RUNNING


class TestImages:
    def test_one_is_needed(self, world: DockerWorld) -> None:
        with pytest.raises(InvalidInput, match="give --image"):
            start(world, world.spec(image=""))

    def test_only_allowed_ones_are_to_be_had(self, dockerd: DockerDaemon) -> None:
        with docker_world(dockerd, images=("sshore-test:*", "debian:*")) as picky:
            start(picky, picky.spec())
            with pytest.raises(Forbidden, match=r"'evil:latest' is not among those allowed here: sshore-test:\*, d"):
                start(picky, picky.spec(image="evil:latest"))

    @pytest.mark.parametrize("image", ["localhost:1/nowhere:1", "no such name", "nosuchhost.invalid/image"])
    def test_one_that_cannot_be_pulled_is_explained(self, world: DockerWorld, image: str) -> None:
        told: list[str] = []

        async def tell(progress: PullProgress) -> None:
            told.append(progress.phrase)

        with pytest.raises((EngineFailed, NotFound), match=image):
            with_engine(world, lambda engine: engine.fetch_image(world.spec(image=image), tell))
        assert told == [f"pulls the image {image}"]

    def test_one_for_other_machines_is_refused_in_words(self, world: DockerWorld, dockerd: DockerDaemon) -> None:
        other = "arm64" if os.uname().machine == "x86_64" else "amd64"
        dockerd.ok("load", stdin=image_archive("sshore-test:other", [rootfs({"etc": None})], architecture=other))

        async def tell(progress: PullProgress) -> None:
            raise AssertionError(progress)

        with pytest.raises(EngineFailed, match=f"is for {other} machines, and this is"):
            with_engine(world, lambda engine: engine.fetch_image(world.spec(image="sshore-test:other"), tell))

    def test_its_variables_are_told(self, world: DockerWorld) -> None:
        async def tell(progress: PullProgress) -> None:
            raise AssertionError(progress)

        found = with_engine(world, lambda engine: engine.fetch_image(world.spec(), tell))
        assert found.environment == {"GREETING": "hello", "PATH": "/bin"}
        assert found.id.startswith("sha256:")

    def test_a_daemon_that_does_not_answer_is_named(self, world: DockerWorld, tmp_path: Path) -> None:
        world.options = replace(world.options, host=f"unix://{tmp_path}/none.sock")
        try:
            with pytest.raises(Unavailable, match=r"none.sock does not answer"):
                start(world, world.spec())
        finally:
            world.options = replace(world.options, host=world.daemon.host)


def test_sessions_by_the_dozen(world: DockerWorld) -> None:
    specs = [world.spec(name=f"demo-{number}") for number in range(8)]

    async def steps(engine: DockerEngine) -> None:
        async with asyncio.TaskGroup() as group:
            for spec in specs:
                group.create_task(engine.start(spec))
        assert await engine.list() == sorted(spec.id for spec in specs)
        async with asyncio.TaskGroup() as group:
            for spec in specs:
                group.create_task(engine.remove(spec.id))

    with_engine(world, steps)
    eventually(lambda: not [found for spec in specs for found in world.leftovers(spec.id)])
