"""The networks of a session: `none`, `host`, and `nat` with the host's loopback closed."""

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from as_ordinary_user import run_as_user
from worlds import ORDINARY_USER_UID, OWNER_UID, SandboxWorld, eventually, sandbox_world, start

from sshore.core.errors import EngineFailed
from sshore.core.sessions import Network
from sshore.engines.sandbox.network import check_network
from sshore.engines.sandbox.tun import TUN, with_open_tun


@pytest.fixture(params=[0o600, 0o666], ids=["tun-closed", "tun-open"])
def nat(request: pytest.FixtureRequest) -> Iterator[None]:
    """/dev/net/tun as some machines have it, and as systemd makes it on most."""
    if os.getuid() != 0 or shutil.which("slirp4netns") is None or not TUN.exists():
        if os.environ.get("CI"):
            pytest.fail("CI needs root, slirp4netns and /dev/net/tun")
        pytest.skip("needs root, slirp4netns and /dev/net/tun")
    mode = TUN.stat().st_mode & 0o777
    TUN.chmod(request.param)
    yield
    assert TUN.stat().st_mode & 0o777 == request.param
    TUN.chmod(mode)


@contextmanager
def listener(address: str) -> Iterator[int]:
    """A server that answers every connection with a greeting; its port."""
    with socket.create_server((address, 0)) as server:
        thread = threading.Thread(target=_greet, args=(server,))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _greet(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(b"greetings\n")


@pytest.fixture
def host_address() -> Iterator[str]:
    """An address of this host that is not its loopback: one end of a pair of interfaces made for the test."""
    name = f"ssh{secrets.token_hex(3)}"
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "198.18.77.1/30", "dev", name], check=True)
        for end in (name, f"{name}p"):
            subprocess.run(["ip", "link", "set", end, "up"], check=True)
        yield "198.18.77.1"
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def _connect(address: str, port: int) -> str:
    """A script that prints what a server says."""
    return f"timeout 5 bash -c 'cat < /dev/tcp/{address}/{port}'"


def test_none_has_only_its_own_loopback(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NONE)
    start(world, spec)
    inside = world.inside(spec)
    assert [line.split(":")[0].strip() for line in inside.output("tail -n +3 /proc/net/dev").splitlines()] == ["lo"]
    with listener("127.0.0.1") as port:
        assert inside.run(_connect("127.0.0.1", port))[0] != 0
    # Its own loopback is up: ssh's forwards and apps need it.
    assert "refused" in inside.run(_connect("127.0.0.1", 1))[1]


def test_host_is_the_hosts(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.HOST)
    start(world, spec)
    with listener("127.0.0.1") as port:
        assert world.inside(spec).output(_connect("127.0.0.1", port)) == "greetings\n"
    assert world.inside(spec).output("cat /etc/resolv.conf") == Path("/etc/resolv.conf").read_text()


@pytest.mark.usefixtures("nat")
def test_nat_reaches_out_but_not_to_the_hosts_loopback(world: SandboxWorld, host_address: str) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    inside = world.inside(spec)
    with listener(host_address) as port:
        assert inside.output(_connect(host_address, port)) == "greetings\n"
    with listener("127.0.0.1") as port:
        for address in ("10.0.2.2", "127.0.0.1", "10.0.2.3"):
            status, output = inside.run(_connect(address, port))
            assert (status != 0, "greetings" in output) == (True, False), address
    assert inside.output("cat /etc/resolv.conf").startswith("nameserver 10.0.2.3\n")


@pytest.mark.usefixtures("nat")
def test_nats_process_has_the_owners_uid_and_ends_with_the_session(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    slirp = world.record(spec.id).slirp
    assert slirp is not None
    assert set(psutil.Process(slirp.pid).uids()) == {OWNER_UID}
    # Without the engine's help, as when no server runs.
    world.kill_agent(spec.id)
    eventually(lambda: not slirp.alive)
    os.waitpid(slirp.pid, 0)


@pytest.mark.usefixtures("nat")
def test_nat_goes_on_under_a_new_server(world: SandboxWorld, host_address: str) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)  # The engine is closed when this returns.
    with listener(host_address) as port:
        assert world.inside(spec).output(_connect(host_address, port)) == "greetings\n"
    slirp = world.record(spec.id).slirp
    asyncio.run(_remove(world, spec.id))
    assert slirp is not None
    assert not slirp.alive


async def _remove(world: SandboxWorld, session_id) -> None:
    await world.engine().remove(session_id)
    await world.close_engines()


@pytest.mark.usefixtures("nat")
def test_an_ordinary_user_gets_nat_where_tun_is_open_and_else_the_fix() -> None:
    if TUN.stat().st_mode & 0o666 == 0o666:
        run_as_user(ORDINARY_USER_UID, _reach_the_nameserver)
    else:
        run_as_user(ORDINARY_USER_UID, _be_refused)


def _reach_the_nameserver() -> None:
    with sandbox_world(None) as world:
        spec = world.spec(network=Network.NAT)
        start(world, spec)
        assert "tap0" in world.inside(spec).output("cat /proc/net/dev")
        slirp = world.record(spec.id).slirp
        assert slirp is not None
        assert set(psutil.Process(slirp.pid).uids()) == {ORDINARY_USER_UID}


def _be_refused() -> None:
    with pytest.raises(EngineFailed, match="chmod 0666 /dev/net/tun"):
        check_network(Network.NAT, None)


def test_the_hosts_mounts_stay_as_they_are(root_world: SandboxWorld) -> None:
    def below_dev() -> list[str]:  # others come and go meanwhile
        return [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if line.split()[1].startswith("/dev")
        ]

    before = below_dev()
    with_open_tun(lambda: None)
    assert below_dev() == before


@pytest.mark.usefixtures("nat")
def test_a_network_that_does_not_come_up_is_explained_and_leaves_nothing(
    world: SandboxWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = world.state / "slirp4netns"
    broken.write_text("#!/bin/sh\necho 'no tap for you' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{world.state}:{os.environ['PATH']}")
    spec = world.spec(network=Network.NAT)
    with pytest.raises(EngineFailed, match="did not come up: no tap for you"):
        start(world, spec)
    assert world.leftovers(spec.id) == []


def test_nat_is_refused_without_slirp4netns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineFailed, match="apt-get install slirp4netns"):
        check_network(Network.NAT, None)
