"""Sessions by Podman's service, which answers as a Docker daemon does."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from deployment import Deployment, SessionsIn, deployment
from programs import need_that
from ssh_client import SshClient, through_forward

from integration.docker_images import BUSYBOX, LINKED, LIVED_IN
from integration.podman_service import PodmanService, podman_service, why_no_podman


@pytest.fixture(scope="module")
def podman() -> Iterator[PodmanService]:
    """One of this module's own, which kills it and counts what is on it."""
    need_that(not why_no_podman(), why_no_podman())
    with podman_service() as service:
        yield service


@pytest.fixture(scope="module")
def server(shared: Deployment, podman: PodmanService) -> Iterator[Deployment]:
    with deployment(kit_of=shared.state, sessions_in=SessionsIn(docker_host=podman.host)) as made:
        yield made


@pytest.fixture
def started_again(podman: PodmanService) -> Callable[[], Iterable[int]]:
    return lambda: (podman.pid,)


def session(server: Deployment, name: str, image: str, *options: str) -> SshClient:
    server.admin.run_session(name, "--engine", "docker", "--image", image, *options)
    return through_forward(server.admin, server.connect(name))


@pytest.mark.parametrize("image", [BUSYBOX, LIVED_IN, LINKED])
def test_ssh_and_sftp_work_in_any_image(server: Deployment, podman: PodmanService, image: str, tmp_path: Path) -> None:
    name = image.rpartition(":")[2]
    client = session(server, name, podman.need(image), "--network", "none")
    assert client.ok("id -un; id -gn; pwd; ls") == "work\nwork\n/home/work\nid_container\n"
    if image == LIVED_IN and podman.version >= 5:
        # Podman 4 lets nobody see what will be in a volume before it has been used.
        assert client.ok("grep -c ^last: /etc/passwd") == "1\n"
    (tmp_path / "here").write_text("there")
    client.sftp(f"put {tmp_path}/here there", f"get there {tmp_path}/back")
    assert (tmp_path / "back").read_text() == "there"
    server.cli("stop", name)
    server.cli("start", name)
    assert client.ok("cat there") == "there"
    server.remove(name)
    assert podman.containers("sshore.session") == []


def test_nat_keeps_sessions_apart_and_limits_hold(server: Deployment, podman: PodmanService) -> None:
    client = session(server, "box", podman.need(BUSYBOX), "--network", "nat", "--memory", "64m", "--cpus", "0.5")
    assert "eth0" in client.ok("ls /sys/class/net")
    assert client.run("head -c 200m /dev/zero | tail -c 200m >/dev/null").returncode != 0
    assert client.ok("echo it goes on") == "it goes on\n"
    other = session(server, "other", BUSYBOX, "--network", "nat")
    address = client.ok("hostname -i").split()[0]
    for who, hears in ((client, True), (other, False)):
        client.ok("nc -l -p 7777 -e echo hello >/dev/null 2>&1 </dev/null &")
        assert (b"hello" in who.run(f"nc -w 2 {address} 7777 </dev/null").stdout) == hears
    server.remove("box", "other")


def test_a_killed_service_takes_no_session_along(server: Deployment, podman: PodmanService) -> None:
    client = session(server, "box", podman.need(BUSYBOX), "--network", "none")
    podman.kill()
    try:
        assert client.ok("echo still here") == "still here\n"
        assert server.admin.json("show", "box")["state"] == "running"
    finally:
        podman.start()
    assert client.ok("echo still here") == "still here\n"
    server.remove("box")
    assert podman.containers("sshore.session") == []
