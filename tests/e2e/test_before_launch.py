"""R2: before SSH / SFTP is launched in a session, nobody connects, and the refusal says why and what to do."""

import contextlib
import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment
from programs import need
from ssh_client import SshClient, run, through_forward, through_proxy_command

from bench.processes import hear
from sshore.sdk.address import parse_server_url
from sshore.sdk.client import Client
from sshore.sdk.credentials import Login

pytestmark = pytest.mark.every_engine
NAME = "quiet"


@pytest.fixture
def quiet(shared: Deployment) -> Iterator[SshClient]:
    """A client of a session in which nothing was launched."""
    shared.run_session(NAME, app="")
    yield through_proxy_command(shared.admin, NAME, shared.key(NAME))
    shared.remove(NAME)


def raw_stream(shared: Deployment) -> tuple[int, bytes]:
    """Status and body of the answer to a stream's opening; there is no body when it opened."""
    _, token = shared.login
    fields = {"Upgrade": "sshore-stream/1", "Connection": "Upgrade", "Authorization": f"Bearer {token}"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", shared.port, timeout=10)) as connection:
        connection.request("GET", f"/api/v1/sessions/{NAME}/apps/ssh/stream", headers=fields)
        with connection.getresponse() as answer:
            return answer.status, b"" if answer.status == 101 else answer.read()


def refuses(shared: Deployment, client: SshClient) -> None:
    status, body = raw_stream(shared)
    assert status == 409
    assert b'"app_not_launched"' in body and b"sshore app start quiet ssh" in body
    refused = client.run("true")
    assert refused.returncode == 255
    assert b"sshore app start quiet ssh" in refused.stderr, "ssh shows what its ProxyCommand says"
    stream = shared.admin.run("stream", NAME, stdin=b"")
    assert (stream.returncode, stream.stdout) == (1, b"")
    assert len(stream.stderr.splitlines()) == 1
    assert b"sshore app start quiet ssh" in stream.stderr


def accepts(shared: Deployment, client: SshClient) -> None:
    assert raw_stream(shared)[0] == 101
    assert client.ok("hostname") == "quiet\n"


def test_nobody_connects_before_the_launch_and_everybody_after(shared: Deployment, quiet: SshClient) -> None:
    refuses(shared, quiet)
    shared.cli("app", "start", NAME, "ssh")
    accepts(shared, quiet)


def test_stopping_it_ends_open_connections_and_refuses_new_ones(shared: Deployment, quiet: SshClient) -> None:
    shared.cli("app", "start", NAME, "ssh")
    forward = through_forward(shared.admin, shared.connect(NAME))
    with quiet.start("echo in; cat") as one, forward.start("echo in; cat") as other:
        for process in (one, other):
            hear(process, b"in\n")
        shared.cli("app", "stop", NAME, "ssh")
        assert (one.wait(10), other.wait(10)) == (255, 255)
    refuses(shared, quiet)
    assert forward.run("true").returncode == 255
    shared.cli("app", "start", NAME, "ssh")
    accepts(shared, quiet)
    assert forward.ok("hostname") == "quiet\n", "the forward is still there"


def test_connect_and_sshore_ssh_launch_it(shared: Deployment, quiet: SshClient) -> None:
    assert shared.cli("ssh", NAME, "--", "hostname") == "quiet\n"
    shared.cli("app", "stop", NAME, "ssh")
    refuses(shared, quiet)
    assert through_forward(shared.admin, shared.connect(NAME)).ok("hostname") == "quiet\n"


def test_at_a_forwards_port_every_client_says_why_and_what_to_do(shared: Deployment, quiet: SshClient) -> None:
    need("plink", "puttygen")
    card = shared.connect(NAME)
    client = through_forward(shared.admin, card)
    ppk = Path(f"{shared.key(NAME)}.ppk")
    shared.cli("key", NAME, "--format", "ppk", "-o", str(ppk))
    shared.cli("app", "stop", NAME, "ssh")
    port = str(card.port)
    for program in (
        client.arguments("true"),
        ["sftp", *client.words, client.destination],
        [
            "plink",
            "-batch",
            "-P",
            port,
            "-i",
            str(ppk),
            "-hostkey",
            card.host_key_fingerprint,
            "work@localhost",
            "true",
        ],
    ):
        refused = run(program, shared.admin.environment)
        assert refused.returncode != 0
        assert b"sshore app start quiet ssh" in refused.stderr, (program[0], refused.stderr)
    (health,) = [f for f in shared.admin.json("forwards") if f["session"] == NAME]
    assert health["health"] == "app_not_launched"
    assert "launch" in health["detail"]


def test_at_a_forwards_port_a_session_that_does_not_run_is_told(shared: Deployment, quiet: SshClient) -> None:
    client = through_forward(shared.admin, shared.connect(NAME))
    shared.cli("stop", NAME)
    assert b"sshore start quiet" in client.run("true").stderr
    url, token = shared.login
    with Client(Login(parse_server_url(url), token)) as elsewhere:  # `sshore rm` would close the forward
        elsewhere.remove_session(NAME)
    assert b"sshore disconnect quiet" in client.run("true").stderr
    shared.run_session(NAME, app="")
