"""`ssh -o HostKeyAlgorithms=ssh-ed25519`: a session's plain key in the managed known_hosts, with the real ssh."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment, Owner
from ssh_client import SshClient, through_proxy_command

from sshore.profiles.known_hosts import with_authority, with_session_keys

PLAIN = {"HostKeyAlgorithms": "ssh-ed25519"}
_CERTIFIED = b"host key algorithm: ssh-ed25519-cert-v01@openssh.com"


@pytest.fixture(scope="module")
def pia(shared: Deployment) -> Iterator[Owner]:
    owner = shared.member("pia")
    for name in ("plain", "other"):
        owner.run_session(name)
    yield owner
    owner.remove("plain", "other")


@pytest.fixture
def client(pia: Owner, tmp_path: Path) -> SshClient:
    known_hosts = {"StrictHostKeyChecking": "yes", "UserKnownHostsFile": str(tmp_path / "known_hosts")}
    return through_proxy_command(pia, "plain", pia.key("plain")).having(**known_hosts, LogLevel="DEBUG1")


def ask(shared: Deployment, pia: Owner, path: str) -> dict[str, Any]:
    request = urllib.request.Request(f"{shared.url}/api/v1{path}", headers={"Authorization": f"Bearer {pia.token}"})
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_a_plain_host_key_is_verified_and_is_one_sessions_alone(
    shared: Deployment, pia: Owner, client: SshClient, tmp_path: Path
) -> None:
    known_hosts = tmp_path / "known_hosts"
    trusted = with_authority("", shared.url, ask(shared, pia, "/trust")["host_ca"])
    keys = {name: ask(shared, pia, f"/sessions/{name}/key") for name in ("plain", "other")}
    ids = {name: key["session_id"] for name, key in keys.items()}
    plain = client.having(**PLAIN)

    known_hosts.write_text(trusted)
    unknown = plain.run("true")
    assert unknown.returncode == 255 and b"No ED25519 host key is known" in unknown.stderr

    known_hosts.write_text(with_session_keys(trusted, "plain", ids["plain"], [keys["plain"]["host_key"]]))
    assert plain.ok("whoami") == "work\n"
    by_default = client.run("whoami")
    assert by_default.stdout == b"work\n" and _CERTIFIED in by_default.stderr, "certificates stay the default"

    # As after a session of that name was removed and another one made.
    known_hosts.write_text(with_session_keys(trusted, "plain", ids["other"], [keys["other"]["host_key"]]))
    stranger = plain.run("true")
    assert stranger.returncode == 255 and b"REMOTE HOST IDENTIFICATION HAS CHANGED" in stranger.stderr
    assert client.ok("whoami") == "work\n", "a key of another session is no obstacle to the certificate"
