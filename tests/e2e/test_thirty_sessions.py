"""Thirty sessions in containers at once: all can be reached, all are listed, nothing is left of them.

Run with `-s` it tells what it took.
"""

import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from deployment import Deployment, SessionsIn, deployment
from programs import need_that

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX
from sshore.sdk.address import parse_server_url
from sshore.sdk.client import Client
from sshore.sdk.credentials import Login

NAMES = [f"box-{number}" for number in range(30)]


@pytest.fixture
def server(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    options = ("--engine", "docker", "--image", BUSYBOX)
    with deployment(kit_of=shared.state, sessions_in=SessionsIn(options, docker_host=dockerd.host)) as made:
        yield made


def test_thirty_sessions_at_once(server: Deployment, dockerd: DockerDaemon) -> None:
    need_that(os.geteuid() == 0, "needs root")
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: server.run_session(name, "--network", "none"), NAMES))
        print(f"\nthirty sessions run after {time.monotonic() - began:.1f} s")
        assert list(pool.map(lambda name: server.cli("ssh", name, "hostname").strip(), NAMES)) == NAMES
    listed = {session["name"]: session["state"] for session in server.admin.json("ls")}
    assert listed == dict.fromkeys(NAMES, "running")
    url, token = server.login
    with Client(Login(parse_server_url(url), token)) as client:
        took = [seconds_of(client) for _ in range(21)]
    print(f"the API lists them in {1000 * statistics.median(took):.1f} ms (median), {1000 * max(took):.1f} ms (most)")
    began = time.monotonic()
    server.remove(*NAMES)
    print(f"all are removed after {time.monotonic() - began:.1f} s")
    deployment_id = (server.state / "docker" / "deployment").read_text()
    assert dockerd.containers(f"sshore.deployment={deployment_id}") == []


def seconds_of(client: Client) -> float:
    began = time.monotonic()
    assert len(client.sessions()) == len(NAMES)
    return time.monotonic() - began
