"""Own keys: registered once, in all sessions at once, and gone from them at once, with what they had opened."""

import base64
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment, Owner
from host_processes import leave_sleeping
from security_key_agent import SecurityKeyAgent
from ssh_agent import ssh_agent
from ssh_client import SshClient, run, through_forward, through_proxy_command

from bench.processes import hear
from integration.command_line import SSHORE
from sshore.kit.sshd_options import accepted_key_types

REVOKED_WITHIN_S = 5.0


def make_key(path: Path, *options: str) -> Path:
    made = run(["ssh-keygen", "-q", *(options or ("-t", "ed25519")), "-N", "", "-f", str(path)], os.environ)
    assert made.returncode == 0, made.stderr.decode()
    return path


def public(key: Path) -> str:
    return str(key.with_name(f"{key.name}.pub"))


@pytest.fixture(scope="module")
def kim(shared: Deployment) -> Iterator[Owner]:
    """An owner with a session `keyed` that runs before any key is registered."""
    owner = shared.member("kim")
    owner.run_session("keyed")
    yield owner
    owner.remove("keyed")


@pytest.fixture(scope="module")
def client(kim: Owner) -> SshClient:
    return through_forward(kim, kim.connect("keyed"))


@pytest.fixture(autouse=True)
def _no_keys_are_left(kim: Owner) -> Iterator[None]:
    yield
    for key in kim.json("keys", "ls"):
        kim.ok("keys", "rm", key["id"])


@contextmanager
def held_open(client: SshClient) -> Iterator["subprocess.Popen[bytes]"]:
    """A connection that has printed a line and stays."""
    process = client.start("echo open; exec cat")
    try:
        hear(process, b"open\n")
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519"),
        ("-t", "rsa", "-b", "2048"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "521"),
    ],
    ids=" ".join,
)
def test_a_key_opens_a_running_session_at_once_and_none_when_it_is_removed(
    kim: Owner, client: SshClient, tmp_path: Path, options: tuple[str, ...]
) -> None:
    own = make_key(tmp_path / "own", *options)
    with_own = client.having(IdentityFile=str(own))
    assert with_own.run("true").returncode == 255
    added = kim.json("keys", "add", public(own), "--name", "my laptop")
    assert with_own.ok("whoami") == "work\n"
    described = run(["ssh-keygen", "-l", "-f", str(own)], os.environ).stdout.decode().split()
    assert [str(added["bits"]), added["fingerprint"]] == described[:2]
    assert [key["name"] for key in kim.json("keys", "ls")] == ["my laptop"]
    kim.ok("keys", "rm", added["fingerprint"])
    refused = with_own.run("true")
    assert refused.returncode == 255 and b"Permission denied" in refused.stderr
    assert client.ok("whoami") == "work\n"


@pytest.mark.every_engine
def test_a_removed_key_ends_what_it_had_opened_and_nothing_else(kim: Owner, client: SshClient, tmp_path: Path) -> None:
    gone, kept, in_home = (make_key(tmp_path / name) for name in ("gone", "kept", "in_home"))
    for key in (gone, kept):
        kim.ok("keys", "add", public(key), "--name", key.name)
    client.ok("mkdir -p .ssh; cat >.ssh/authorized_keys", stdin=Path(public(in_home)).read_bytes())
    with (
        held_open(client.having(IdentityFile=str(gone))) as first,
        held_open(client.having(IdentityFile=str(gone))) as second,
        held_open(client.having(IdentityFile=str(kept))) as other,
        held_open(client.having(IdentityFile=str(in_home))) as by_home,
        held_open(client) as by_session_key,
    ):
        before = time.monotonic()
        kim.ok("keys", "rm", "gone")
        for ended in (first, second):
            assert ended.wait(REVOKED_WITHIN_S) == 255
        assert time.monotonic() - before < REVOKED_WITHIN_S
        for stays in (other, by_home, by_session_key):
            assert stays.poll() is None
            out, _ = stays.communicate(b"still here\n", timeout=10)
            assert out == b"still here\n" and stays.returncode == 0
    client.ok("rm -r .ssh")
    assert "2 ssh connections end: their key has been removed" in kim.ok("logs", "keyed")


def test_an_sftp_transfer_by_a_removed_key_ends(kim: Owner, client: SshClient, tmp_path: Path) -> None:
    own = make_key(tmp_path / "own")
    kim.ok("keys", "add", public(own))
    with_own = client.having(IdentityFile=str(own))
    transfer = subprocess.Popen(
        ["sftp", "-q", "-l", "1000", *with_own.words, "-b", "-", with_own.destination],
        env=dict(with_own.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        (tmp_path / "big").write_bytes(bytes(64 << 20))
        assert transfer.stdin is not None
        transfer.stdin.write(f"put {tmp_path}/big big\n".encode())
        transfer.stdin.flush()
        deadline = time.monotonic() + 10
        while client.run("test -s big").returncode:
            assert time.monotonic() < deadline
        kim.ok("keys", "rm", kim.json("keys", "ls")[0]["id"])
        assert transfer.wait(REVOKED_WITHIN_S) != 0
    finally:
        transfer.kill()
        transfer.communicate()
        client.ok("rm -f big")


@pytest.mark.every_engine
def test_new_sessions_have_the_keys_and_other_peoples_have_not(
    shared: Deployment, kim: Owner, ann: Owner, tmp_path: Path
) -> None:
    own = make_key(tmp_path / "own")
    kim.ok("keys", "add", public(own))
    kim.run_session("later")
    ann.run_session("hers")
    try:
        assert through_proxy_command(kim, "later", own).ok("hostname") == "later\n"
        assert through_proxy_command(ann, "hers", own).run("true").returncode == 255
        assert ann.json("keys", "ls") == []
        assert ann.run("keys", "rm", kim.json("keys", "ls")[0]["id"]).returncode == 3
        kim.ok("stop", "later")
        kim.ok("keys", "rm", kim.json("keys", "ls")[0]["fingerprint"])
        kim.ok("start", "later")
        assert through_proxy_command(kim, "later", own).run("true").returncode == 255
    finally:
        kim.remove("later")
        ann.remove("hers")


def test_adding_a_key_again_changes_nothing(kim: Owner, tmp_path: Path) -> None:
    own = make_key(tmp_path / "own")
    first = kim.json("keys", "add", public(own), "--name", "first")
    assert kim.json("keys", "add", public(own), "--name", "second") == first
    assert kim.json("keys", "ls") == [first]


def test_a_key_that_the_server_does_not_take_keeps_no_other_out(kim: Owner, client: SshClient, tmp_path: Path) -> None:
    """As `ssh-add -L` of OpenSSH 10.6 lists them: that of older ones knows no such keys."""
    own = make_key(tmp_path / "own")
    name = "ssh-mldsa44-ed25519"
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in (name.encode(), bytes(1344)))
    listed = [
        f"{name} {base64.b64encode(blob).decode()} pq@laptop",
        f"{name}-cert AAAA pq@laptop",
        "ssh-of-tomorrow AAAA new@laptop",
        Path(public(own)).read_text().strip(),
    ]
    ssh_add = tmp_path / "ssh-add"
    ssh_add.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(listed) + "\nEND\n")
    ssh_add.chmod(0o755)
    path = f"{tmp_path}:{kim.environment['PATH']}"
    environment = {**kim.environment, "PATH": path, "SSH_AUTH_SOCK": "/nonexistent"}
    added = run([SSHORE, "keys", "add", "--agent"], environment)
    said = added.stderr.decode()
    assert added.returncode == 0, said
    assert "left out: ssh-of-tomorrow new@laptop: that is no OpenSSH public key of a type that is known here" in said
    assert "certificates of the agent are left out, since they end by themselves: 1" in said
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    assert sshd is not None
    taken = name in accepted_key_types(Path(sshd))
    assert (f"left out: {name} pq@laptop: this server's OpenSSH takes no {name} keys" in said) is not taken
    assert {key["type"] for key in kim.json("keys", "ls")} == {"ssh-ed25519"} | ({name} if taken else set())
    assert client.having(IdentityFile=str(own)).ok("whoami") == "work\n"


def test_keys_come_from_stdin_and_from_the_ssh_agent(kim: Owner, client: SshClient, tmp_path: Path) -> None:
    one, two = (make_key(tmp_path / name) for name in ("one", "two"))
    assert kim.run("keys", "add", "-", stdin=Path(public(one)).read_bytes()).returncode == 0
    with ssh_agent(tmp_path) as environment:
        for key in (one, two):
            assert run(["ssh-add", "-q", str(key)], environment).returncode == 0
        added = subprocess.run(
            [SSHORE, "keys", "add", "--agent"],
            env={**kim.environment, "SSH_AUTH_SOCK": environment["SSH_AUTH_SOCK"]},
            capture_output=True,
        )
        assert added.returncode == 0, added.stderr
        assert len(kim.json("keys", "ls")) == 2
        two.unlink()
        by_agent = client.having(IdentityFile=public(two), IdentityAgent=environment["SSH_AUTH_SOCK"])
        assert by_agent.ok("whoami") == "work\n"
    nobody = run([SSHORE, "keys", "add", "--agent"], {**kim.environment, "SSH_AUTH_SOCK": str(tmp_path / "none")})
    assert nobody.returncode == 5 and b"no ssh-agent is running" in nobody.stderr


def test_a_security_key_opens_the_session(kim: Owner, client: SshClient, tmp_path: Path) -> None:
    with SecurityKeyAgent(tmp_path / "agent") as token:
        (tmp_path / "token.pub").write_text(token.public_line + "\n")
        added = kim.json("keys", "add", str(tmp_path / "token.pub"))
        assert added["type"] == "sk-ssh-ed25519@openssh.com" and added["name"] == "token@test"
        by_token = client.having(IdentityFile=str(tmp_path / "token.pub"), IdentityAgent=str(token.path))
        assert by_token.ok("whoami") == "work\n"
        kim.ok("keys", "rm", added["id"])
        assert by_token.run("true").returncode == 255


def test_what_is_no_public_key_is_refused_with_the_reason_and_nothing_of_it_kept(
    shared: Deployment, kim: Owner, tmp_path: Path
) -> None:
    key, weak = make_key(tmp_path / "key"), make_key(tmp_path / "weak", "-t", "rsa", "-b", "1024")
    signed = run(["ssh-keygen", "-q", "-s", str(weak), "-I", "x", "-n", "work", public(key)], os.environ)
    assert signed.returncode == 0, signed.stderr
    ppk = tmp_path / "key.ppk"
    kim.ok("key", "keyed", "--format", "ppk", "-o", str(ppk))
    (tmp_path / "options").write_text("restrict " + Path(public(key)).read_text())
    (tmp_path / "two").write_text(2 * Path(public(key)).read_text())
    for file, reason in (
        (key, "that is a private key"),
        (tmp_path / "key-cert.pub", "that is a certificate"),
        (ppk, "PuTTY private key"),
        (tmp_path / "options", "options before the key"),
        (tmp_path / "two", "there are 2 lines"),
        (public(weak), "1024 bits is too weak"),
        (SSHORE, "that is no OpenSSH public key"),
        ("/dev/null", "there is no key in it"),
    ):
        refused = kim.run("keys", "add", str(file))
        assert refused.returncode == 2 and reason in refused.stderr.decode(), (file, refused.stderr)
        assert refused.stderr.count(b"\n") == 1
    assert kim.json("keys", "ls") == []
    secret = key.read_text().splitlines()[2]
    answer = post_key(shared, kim, key.read_text())
    assert answer.returncode == 0 and b"that is a private key" in answer.stdout
    assert secret.encode() not in answer.stdout
    places = [shared.state / "sshore.db", shared.state / "sshore.db-wal", *shared.directory.glob("*.out")]
    assert not any(secret.encode() in place.read_bytes() for place in places if place.exists())


def post_key(shared: Deployment, owner: Owner, text: str) -> Any:
    """To the API itself, past the command's own look at it."""
    code = (
        "import sys, os; from sshore.cli.local_user import user_from_environment\n"
        "from sshore.sdk.errors import ApiError\n"
        "with user_from_environment(os.environ).client() as client:\n"
        "    try: client.add_own_key(sys.stdin.read())\n"
        "    except ApiError as error: print(error.problem.document())\n"
    )
    python = str(Path(SSHORE).with_name("python"))
    return run([python, "-c", code], owner.environment, stdin=text.encode())


def test_what_a_removed_key_had_opened_ends_as_soon_as_a_frozen_agent_is_back(
    kim: Owner, client: SshClient, tmp_path: Path
) -> None:
    own = make_key(tmp_path / "own")
    kim.ok("keys", "add", public(own))
    sleeper = leave_sleeping(client)
    agent = sleeper.agent
    with held_open(client.having(IdentityFile=str(own))) as connection:
        agent.suspend()
        try:
            before = time.monotonic()
            kim.ok("keys", "rm", kim.json("keys", "ls")[0]["id"])
            assert time.monotonic() - before < 10
            assert connection.poll() is None
        finally:
            agent.resume()
        assert connection.wait(REVOKED_WITHIN_S) == 255
    sleeper.process.kill()
    assert client.ok("whoami") == "work\n"


def test_keys_that_were_removed_while_nobody_could_tell_the_session_go_when_the_server_is_back(
    own_deployment: Deployment, tmp_path: Path
) -> None:
    it = own_deployment
    it.run_session("demo")
    own = make_key(tmp_path / "own")
    it.cli("keys", "add", public(own))
    with_own = through_proxy_command(it.admin, "demo", own)
    assert with_own.ok("whoami") == "work\n"
    it.server.kill()
    with closing(sqlite3.connect(it.state / "sshore.db")) as database:
        database.execute("DELETE FROM own_keys")
        database.commit()
    it.server.start()
    deadline = time.monotonic() + 10
    while with_own.run("true").returncode != 255 or b"Permission denied" not in with_own.run("true").stderr:
        assert time.monotonic() < deadline
