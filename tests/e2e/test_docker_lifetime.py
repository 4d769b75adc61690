"""Sessions in containers outlive the server and the daemon; what becomes of them is told truly; nothing is left."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment, SessionsIn, deployment
from host_processes import until
from programs import need_that
from ssh_client import SshClient, through_forward

from integration.docker_daemon import DockerDaemon, docker_daemon, why_no_docker
from integration.docker_images import BUSYBOX

IN_DOCKER = ("--engine", "docker", "--image", BUSYBOX, "--network", "none")


@pytest.fixture(scope="module")
def dockerd() -> Iterator[DockerDaemon]:
    """One of this module's own, which kills it and counts what is on it."""
    need_that(not why_no_docker(), why_no_docker())
    with docker_daemon() as daemon:
        daemon.need(BUSYBOX)
        yield daemon


@pytest.fixture(scope="module")
def deployed(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    with deployment(kit_of=shared.state, sessions_in=SessionsIn(docker_host=dockerd.host)) as made:
        yield made


@pytest.fixture
def started_again(deployed: Deployment, dockerd: DockerDaemon) -> Callable[[], Iterable[int]]:
    return lambda: (deployed.server.pid, deployed.proxy.pid, dockerd.pid)


@pytest.fixture
def server(deployed: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    """The server; without sessions, before and after."""
    yield deployed
    left = [session["name"] for session in deployed.admin.json("ls")]
    if left:
        deployed.remove(*left)
    assert dockerd.containers("sshore.session") == []


def started(server: Deployment, name: str, *options: str) -> tuple[dict[str, Any], SshClient]:
    session = server.run_session(name, *IN_DOCKER, *options)
    return session, through_forward(server.admin, server.connect(name))


def shown(server: Deployment, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.admin.json("show", name)
    return found


def main_pid(dockerd: DockerDaemon, session: dict[str, Any]) -> int:
    (container,) = dockerd.containers(f"sshore.session={session['id']}")
    return int(dockerd.inspect(container)["State"]["Pid"])


def traces(server: Deployment, dockerd: DockerDaemon, session_id: str) -> list[str]:
    """What is there of a session: containers, mounts, directories."""
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if session_id in line]
    return [*dockerd.containers(f"sshore.session={session_id}"), *mounts, *map(str, server.state.rglob(session_id))]


def test_a_killed_server_is_followed_by_one_that_knows_the_session(server: Deployment, dockerd: DockerDaemon) -> None:
    session, box = started(server, "box")
    box.ok("sleep 300 >/dev/null 2>&1 </dev/null & echo here >file")
    pid = main_pid(dockerd, session)
    server.server.kill()
    server.server.start()
    until(lambda: box.run("true").returncode == 0, "it can be reached again")
    assert main_pid(dockerd, session) == pid
    assert box.ok("cat file; pidof sleep >/dev/null && echo it runs") == "here\nit runs\n"


def test_a_killed_daemon_takes_no_session_along(server: Deployment, dockerd: DockerDaemon) -> None:
    session, box = started(server, "box")
    pid = main_pid(dockerd, session)
    dockerd.kill()
    try:
        assert box.ok("echo still here") == "still here\n"
        assert shown(server, "box")["state"] == "running"
        refused = server.admin.run("run", "other", *IN_DOCKER)
        assert refused.returncode == 5
        assert b"Docker daemon" in refused.stderr and b"does not answer" in refused.stderr
    finally:
        dockerd.start()
    assert shown(server, "box")["state"] == "running"
    assert main_pid(dockerd, session) == pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: shown(server, "box")["state"] == "failed", "its end is noticed")
    server.remove("box")
    assert traces(server, dockerd, session["id"]) == []


def test_a_server_starts_without_the_daemon_and_finds_its_sessions_when_it_is_back(
    server: Deployment, dockerd: DockerDaemon
) -> None:
    session, box = started(server, "box")
    server.server.stop()
    dockerd.kill()
    try:
        server.server.start()
        assert box.ok("echo still here") == "still here\n"
        assert shown(server, "box")["state"] == "running"
    finally:
        dockerd.start()
    server.remove("box")
    assert traces(server, dockerd, session["id"]) == []


def test_a_killed_container_is_explained_and_starts_again(server: Deployment, dockerd: DockerDaemon) -> None:
    session, box = started(server, "box")
    box.ok("echo kept >file")
    dockerd.ok("kill", dockerd.containers(f"sshore.session={session['id']}")[0])
    until(lambda: shown(server, "box")["state"] == "failed", "its end is noticed")
    assert shown(server, "box")["reason"] == "the agent was ended by SIGKILL"
    server.cli("start", "box")
    assert box.ok("cat file") == "kept\n"


def test_a_container_that_somebody_removed_is_made_anew(server: Deployment, dockerd: DockerDaemon) -> None:
    session, box = started(server, "box")
    dockerd.ok("rm", "-f", dockerd.containers(f"sshore.session={session['id']}")[0])
    until(lambda: shown(server, "box")["state"] == "failed", "its end is noticed")
    server.cli("start", "box")
    assert box.ok("id -un") == "work\n"


def test_too_much_memory_ends_the_program_and_not_the_session(server: Deployment) -> None:
    _, box = started(server, "box", "--memory", "64m")
    assert box.run("head -c 200m /dev/zero | tail -c 200m >/dev/null").returncode != 0
    assert box.ok("echo it goes on") == "it goes on\n"
    assert shown(server, "box")["state"] == "running"


def test_stop_start_and_rm_leave_what_they_should(server: Deployment, dockerd: DockerDaemon) -> None:
    server.cli("folder", "create", "data")
    session, box = started(server, "box", "--mount", "data")
    box.ok("echo kept >file; echo shared >data/file; touch /tmp/gone")
    server.cli("stop", "box")
    assert dockerd.ok("ps", "-q") == ""
    server.cli("start", "box")
    assert box.ok("cat file data/file; ls /tmp | wc -l") == "kept\nshared\n0\n"
    server.remove("box")
    assert traces(server, dockerd, session["id"]) == []
    assert (server.folder("data") / "file").read_text() == "shared\n"


def test_leftovers_of_a_server_that_crashed_are_removed_and_other_peoples_containers_stay(
    server: Deployment, dockerd: DockerDaemon
) -> None:
    deployment_id = (server.state / "docker" / "deployment").read_text()
    server.server.kill()
    words = ("--network", "none", BUSYBOX, "sleep", "300")
    ours = ("--label", "sshore.session=lostlostlost", "--label", f"sshore.deployment={deployment_id}")
    theirs = ("--label", "sshore.session=lostlostlost", "--label", "sshore.deployment=another")
    dockerd.ok("create", *ours, *words)
    others = [dockerd.ok("run", "-d", *theirs, *words).strip(), dockerd.ok("run", "-d", *words).strip()]
    try:
        server.server.start()
        until(lambda: dockerd.containers("sshore.session=lostlostlost") == others[:1], "the leftover is removed")
        assert len(dockerd.ok("ps", "-q").split()) == 2
    finally:
        dockerd.ok("rm", "-f", *others)
