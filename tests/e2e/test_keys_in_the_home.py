"""~/.ssh/authorized_keys in a session, as its owner's editor saved it: real sshd, real ssh."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from ssh_client import SshClient, run, through_forward


@pytest.fixture(scope="module")
def wim(shared: Deployment) -> Iterator[Owner]:
    """An owner whose user folder `.ssh` is mounted in the session `keys-at-home`."""
    owner = shared.member("wim")
    owner.ok("folder", "create", ".ssh")
    owner.run_session("keys-at-home", "--mount", ".ssh")
    yield owner
    owner.proxy.stop()
    shared.cli("user", "rm", "--with-data", "wim")


@pytest.fixture(scope="module")
def client(wim: Owner) -> SshClient:
    return through_forward(wim, wim.connect("keys-at-home"))


@pytest.fixture
def own_key(tmp_path: Path) -> Path:
    made = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "own")], os.environ)
    assert made.returncode == 0, made.stderr.decode()
    return tmp_path / "own"


def save(client: SshClient, data: bytes) -> None:
    client.ok("cat >.ssh/new; mv .ssh/new .ssh/authorized_keys", stdin=data)


def notes(owner: Owner) -> list[str]:
    found: list[str] = owner.json("show", "keys-at-home")["notes"]
    return found


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-be", "utf-8-sig", "utf-8"])
def test_a_file_of_windows_editor_lets_its_owner_in(wim: Owner, client: SshClient, own_key: Path, coding: str) -> None:
    text = f"# my keys\r\n{own_key.with_suffix('.pub').read_text().strip()}\r\n"
    with_own = client.having(IdentityFile=str(own_key))
    assert with_own.run("true").returncode == 255
    save(client, text.removeprefix("# my keys\r\n").encode(coding))
    assert with_own.ok("whoami") == "work\n"
    said = notes(wim)
    assert said == [] if coding == "utf-8" else "sshd cannot read; it gets a copy" in said[0]
    client.ok("rm .ssh/authorized_keys")
    assert with_own.run("true").returncode == 255 and notes(wim) == []


def test_a_from_that_nobody_matches_is_told_where_the_owner_looks(wim: Owner, client: SshClient, own_key: Path) -> None:
    save(client, f'from="127.0.0.1" {own_key.with_suffix(".pub").read_text()}'.encode())
    assert client.having(IdentityFile=str(own_key)).run("true").returncode == 255
    for command in ("show", "doctor"):
        assert "line 1 of ~/.ssh/authorized_keys lets nobody in: it has from=" in wim.ok(command, "keys-at-home")
    assert "lets nobody in: it has from=" in wim.ok("logs", "keys-at-home")
    client.ok("rm .ssh/authorized_keys")


def test_what_is_no_file_keeps_nobody_from_coming_in(wim: Owner, client: SshClient) -> None:
    client.ok("mkfifo .ssh/authorized_keys")
    assert client.ok("whoami") == "work\n"
    assert notes(wim) == ["~/.ssh/authorized_keys cannot be read: it is no file"]
    client.ok("rm .ssh/authorized_keys; ln -s /run/sshore/ssh_host_key .ssh/authorized_keys")
    assert client.ok("whoami") == "work\n" and notes(wim) == []
    client.ok("rm .ssh/authorized_keys")
