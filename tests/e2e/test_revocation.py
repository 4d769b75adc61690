"""What is open ends at once when its token is revoked, or its user disabled or removed."""

import json
import subprocess
import time
import zlib
from collections.abc import Iterator

import pytest
from deployment import Deployment, Owner
from ssh_client import SshClient, through_forward

from bench.processes import hear
from integration.command_line import SSHORE

SOON_S = 5


@pytest.fixture
def user(shared: Deployment, request: pytest.FixtureRequest) -> Iterator[Owner]:
    """A user of the test's own with a running session `box`."""
    name = f"revoked-{zlib.crc32(request.node.name.encode()):08x}"
    owner = shared.member(name)
    owner.run_session("box", "--network", "none")
    yield owner
    owner.close()
    shared.admin.run("user", "rm", "--with-data", name)


def name_of(owner: Owner) -> str:
    return owner.config.name.removeprefix("config-")


def token_id(owner: Owner) -> str:
    """Of the one token that the owner has."""
    (token,) = owner.json("token", "ls")
    return str(token["id"])


def start_by_sshore(owner: Owner, **environment: str) -> subprocess.Popen[bytes]:
    """`sshore ssh`, of which a line has come and which goes on."""
    return spoken(
        subprocess.Popen(
            [SSHORE, "ssh", "box", "echo up; exec sleep 600"],
            env={**owner.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    )


def start_by_forward(owner: Owner) -> subprocess.Popen[bytes]:
    client: SshClient = through_forward(owner, owner.connect("box"))
    return spoken(client.start("echo up; exec sleep 600"))


def spoken(ssh: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    hear(ssh, b"up\n")
    return ssh


def ended_soon(ssh: subprocess.Popen[bytes], since: float) -> bool:
    """Whether it ends, broken off, within the time; it is gone afterwards in any case."""
    try:
        ssh.communicate(timeout=max(since + SOON_S - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        ssh.kill()
        ssh.communicate()
        return False
    return ssh.returncode == 255


def health_becomes(owner: Owner, wanted: str, since: float) -> bool:
    while time.monotonic() < since + SOON_S:
        (forward,) = json.loads(owner.ok("forwards", "--json"))
        if forward["health"] == wanted:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", ["revoke", "disable"])
def test_ssh_of_a_revoked_token(shared: Deployment, user: Owner, how: str) -> None:
    by_sshore, by_forward = start_by_sshore(user), start_by_forward(user)
    revoked_at = time.monotonic()
    if how == "revoke":
        shared.cli("token", "rm", token_id(user), "--user", name_of(user))
    else:
        shared.cli("user", "disable", name_of(user))
    assert ended_soon(by_sshore, revoked_at)
    assert ended_soon(by_forward, revoked_at)
    assert health_becomes(user, "refused", revoked_at)
    assert user.run("ssh", "box", "true").returncode == 4
    states = [found["state"] for found in shared.admin.json("ls", "--all") if found["owner"] == name_of(user)]
    assert states == ["running"]


def test_ssh_of_a_removed_user(shared: Deployment, user: Owner) -> None:
    ssh = start_by_sshore(user)
    removed_at = time.monotonic()
    shared.cli("user", "rm", name_of(user))
    assert ended_soon(ssh, removed_at)
    assert name_of(user) not in {found["owner"] for found in shared.admin.json("ls", "--all")}


def test_ssh_of_another_token_goes_on(user: Owner) -> None:
    other = user.json("token", "create", "--scope", "streams")
    mine, others = start_by_sshore(user), start_by_sshore(user, SSHORE_TOKEN=other["secret"])
    revoked_at = time.monotonic()
    user.ok("token", "rm", other["id"])
    assert ended_soon(others, revoked_at)
    assert mine.poll() is None
    mine.kill()
    mine.communicate()


def test_a_token_for_streams_connects_to_what_is_launched_and_launches_nothing(user: Owner) -> None:
    token = user.ok("token", "create", "--scope", "streams").strip()
    environment = {**user.environment, "SSHORE_TOKEN": token}

    def ssh() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([SSHORE, "ssh", "box", "echo in"], env=environment, capture_output=True, timeout=30)

    assert ssh().stdout == b"in\n"
    user.ok("app", "stop", "box", "ssh")
    done = ssh()
    assert done.returncode != 0
    assert b"sshore app start box ssh" in done.stderr
