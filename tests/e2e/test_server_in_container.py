"""Sshore itself in containers: deploy/Dockerfile and deploy/compose.yaml, as an administrator runs them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from composed import SERVER_IMAGE, Composed, build_images, composed
from programs import need, need_that
from ssh_client import through_forward

from integration.debian_rootfs import why_no_debian
from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX

pytestmark = pytest.mark.timeout(900)  # the images are built in a minute where nothing else runs


@pytest.fixture(scope="module")
def built(dockerd: DockerDaemon) -> DockerDaemon:
    """The daemon, with the images of server and database."""
    need("docker-compose")
    need_that(not why_no_debian(), why_no_debian())
    build_images(dockerd)
    return dockerd


@pytest.fixture(scope="module")
def project(built: DockerDaemon) -> Iterator[Composed]:
    with composed(built) as made:
        made.up()
        yield made


def test_one_command_brings_up_a_server_that_one_can_log_in_to(project: Composed) -> None:
    session = project.admin.json("run", "box", "--engine", "docker", "--image", BUSYBOX, "--app", "ssh")

    assert session["state"] == "running"
    assert "(work)" in project.admin.ok("ssh", "box", "id")
    project.until_healthy()


def test_a_new_server_container_takes_sessions_and_forwards_up_again(project: Composed) -> None:
    project.admin.json("run", "kept", "--engine", "docker", "--image", BUSYBOX, "--app", "ssh")
    client = through_forward(project.admin, project.admin.connect("kept"))
    client.ok("sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >pid")
    log_before = project.log()

    project.up("--force-recreate", "--no-deps", "server")

    assert client.ok('kill -0 "$(cat pid)" && echo goes on') == "goes on\n"
    assert "admin's token" in log_before
    assert "admin's token" not in project.log()  # it was for the first login


def test_folders_open_without_a_session(project: Composed) -> None:
    file = project.directory / "hello"
    file.write_text("hello")
    project.admin.ok("folder", "create", "data")

    project.admin.ok("cp", str(file), "folder:data/")
    project.admin.ok("cp", "folder:data/hello", str(project.directory / "back"))

    assert (project.directory / "back").read_text() == "hello"


def test_the_database_password_is_in_no_environment(project: Composed) -> None:
    for service in ("server", "database"):
        assert project.password not in json.dumps(project.daemon.inspect(project.container(service)))


def test_a_stopped_server_leaves_its_sessions_running(project: Composed) -> None:
    project.admin.json("run", "alone", "--engine", "docker", "--image", BUSYBOX)

    project.compose("stop", "server")

    assert project.daemon.inspect(project.container("server"))["State"]["ExitCode"] == 0
    running = project.daemon.ok("ps", "--format", "{{.Names}}").split()
    assert any(name.startswith("sshore-alone-") for name in running)
    project.up()
    assert {it["name"]: it["state"] for it in project.admin.json("ls")}["alone"] == "running"


def test_a_state_directory_that_the_daemon_does_not_see_is_refused(built: DockerDaemon) -> None:
    socket = ("--volume", f"{built.socket}:/run/docker.sock", "--env", "SSHORE_DOCKER_HOST=unix:///run/docker.sock")

    done = built.docker("run", "--rm", "--network", "none", *socket, SERVER_IMAGE)

    assert done.returncode != 0
    assert b"does not see the state directory /var/lib/sshore" in done.stderr
    assert b"--volume /var/lib/sshore:/var/lib/sshore" in done.stderr


def test_the_sandbox_runs_in_a_container_of_an_ordinary_user(built: DockerDaemon) -> None:
    with ordinary_container(built) as name:
        built.ok("exec", name, "sh", "-c", "until sshore-is-ready 2>/dev/null; do sleep 0.1; done")
        token = built.ok("logs", name).rpartition(": ")[2].strip()
        login = f"sshore login http://127.0.0.1:8022 --token {token}"

        said = built.ok("exec", name, "sh", "-c", f"{login} && sshore run a --network none && sshore ssh a id")

        assert "uid=1000(work)" in said


@contextmanager
def ordinary_container(daemon: DockerDaemon) -> Iterator[str]:
    relaxed = ("--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined")
    account = ("--user", "sshore", "--env", "SSHORE_STATE_DIR=/home/sshore/state")
    daemon.ok("run", "--detach", "--init", "--name", "rootless", "--network", "none", *relaxed, *account, SERVER_IMAGE)
    try:
        yield "rootless"
    finally:
        daemon.ok("rm", "--force", "rootless")
