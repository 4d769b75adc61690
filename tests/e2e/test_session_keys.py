"""Keys: the session's own, of both types, and the user's."""

import os
import stat
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from ssh_client import SshClient, run, through_forward, through_proxy_command

pytestmark = pytest.mark.every_engine


def make_key(path: Path, key_type: str = "ed25519") -> Path:
    made = run(["ssh-keygen", "-q", "-t", key_type, "-N", "", "-f", str(path)], os.environ)
    assert made.returncode == 0, made.stderr.decode()
    return path


def public_line(key: Path) -> bytes:
    return key.with_name(f"{key.name}.pub").read_bytes()


class TestTheSessionKey:
    def test_it_lies_in_the_home_for_the_user_only(self, demo: SshClient) -> None:
        assert demo.ok("stat -c '%a %U %n' ~/id_container") == "600 work /home/work/id_container\n"

    def test_it_is_the_one_that_is_downloaded(self, shared: Deployment, demo: SshClient) -> None:
        key = shared.key("demo")
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert demo.ok("cat id_container") == key.read_text()
        assert key.read_text() == shared.cli("key", "demo", "-o", "-")

    def test_agents_and_putty_list_it_by_the_sessions_name(self, shared: Deployment, tmp_path: Path) -> None:
        described = run(["ssh-keygen", "-l", "-f", str(shared.key("demo"))], os.environ).stdout
        assert b" work@demo.sshore (" in described
        ppk = tmp_path / "demo.ppk"
        shared.cli("key", "demo", "--format", "ppk", "-o", str(ppk))
        assert "Comment: work@demo.sshore\n" in ppk.read_text()

    def test_a_directory_that_is_not_there_is_told_not_made(self, shared: Deployment, tmp_path: Path) -> None:
        refused = shared.admin.run("key", "demo", "-o", str(tmp_path / "slip" / "key"))
        assert refused.returncode == 3 and b"no directory" in refused.stderr
        assert not (tmp_path / "slip").exists()

    def test_another_sessions_key_file_is_not_overwritten(self, shared: Deployment, tmp_path: Path) -> None:
        shared.run_session("other")
        try:
            for name, form in (("key", "openssh"), ("key.ppk", "ppk")):
                words = ["--format", form, "-o", str(tmp_path / name)]
                shared.cli("key", "demo", *words)
                shared.cli("key", "demo", *words)
                refused = shared.admin.run("key", "other", *words)
                assert refused.returncode == 1
                assert b"another session" in refused.stderr and b"-o FILE" in refused.stderr
                shared.cli("key", "other", *words, "--force")
        finally:
            shared.remove("other")

    def test_fetched_from_the_home_it_opens_the_session(self, demo: SshClient, tmp_path: Path) -> None:
        demo.sftp(f"get -p id_container {tmp_path}/id_container")
        assert demo.having(IdentityFile=str(tmp_path / "id_container")).ok("whoami") == "work\n"

    def test_it_opens_no_other_session(self, shared: Deployment) -> None:
        shared.run_session("other")
        try:
            key = shared.key("other")
            assert key.read_text() != shared.key("demo").read_text()
            assert through_proxy_command(shared.admin, "other", key).ok("hostname") == "other\n"
            refused = through_proxy_command(shared.admin, "other", shared.key("demo")).run("true")
            assert refused.returncode == 255
            assert b"Permission denied" in refused.stderr
        finally:
            shared.remove("other")

    def test_a_new_session_of_the_same_name_has_a_new_one(self, shared: Deployment) -> None:
        shared.run_session("again")
        first = shared.key("again").read_text()
        shared.remove("again")
        shared.run_session("again")
        try:
            client = through_forward(shared.admin, shared.connect("again"))
            assert client.ok("cat id_container") == shared.key("again").read_text() != first
        finally:
            shared.remove("again")

    def test_without_a_key_there_is_no_way_in(self, demo: SshClient, tmp_path: Path) -> None:
        stranger = demo.having(IdentityFile=str(make_key(tmp_path / "stranger")), PreferredAuthentications="publickey")
        assert stranger.run("true").returncode == 255
        methods = demo.having(IdentityFile="none", LogLevel="ERROR").run("true").stderr
        assert b"Permission denied (publickey)" in methods


@pytest.mark.parametrize("key_type", ["rsa", "ed25519"])
def test_both_types_of_session_keys_work(shared: Deployment, key_type: str) -> None:
    session = shared.run_session("typed", "--key-type", key_type)
    try:
        assert session["key_type"] == key_type
        client = through_forward(shared.admin, shared.connect("typed"))
        assert client.ok("hostname") == "typed\n"
        described = client.program("ssh-keygen", "-l", "-f", client.options["IdentityFile"])
        bits = int(described.split()[0])
        assert f"({key_type.upper()})" in described
        assert bits >= 2048 if key_type == "rsa" else bits == 256
    finally:
        shared.remove("typed")


def test_an_rsa_key_works_for_clients_that_know_nothing_newer(shared: Deployment) -> None:
    shared.run_session("typed", "--key-type", "rsa")
    try:
        client = through_forward(shared.admin, shared.connect("typed"))
        old = client.having(PubkeyAcceptedAlgorithms="rsa-sha2-256", Ciphers="aes128-ctr", MACs="hmac-sha2-256")
        assert old.having(KexAlgorithms="ecdh-sha2-nistp256").ok("hostname") == "typed\n"
    finally:
        shared.remove("typed")


class TestTheUsersOwnKey:
    def test_authorized_keys_in_the_home_count_whatever_their_modes(self, demo: SshClient, tmp_path: Path) -> None:
        own = make_key(tmp_path / "own")
        with_own = demo.having(IdentityFile=str(own))
        assert with_own.run("true").returncode == 255
        demo.ok("mkdir -m 777 .ssh; cat >.ssh/authorized_keys; chmod 666 .ssh/authorized_keys", stdin=public_line(own))
        try:
            assert demo.ok("stat -c %a .ssh .ssh/authorized_keys") == "777\n666\n"
            assert with_own.ok("whoami") == "work\n"
            assert with_own.sftp("pwd").endswith("/home/work\n")
        finally:
            demo.ok("rm -r .ssh")
        assert demo.ok("whoami") == "work\n", "the session key is not kept where users clean up"

    def test_a_user_folder_brings_them_into_every_session(self, ann: Owner, tmp_path: Path) -> None:
        own = make_key(tmp_path / "own", "rsa")
        ann.ok("folder", "create", ".ssh")
        try:
            with _session(ann, "first"):
                first = through_proxy_command(ann, "first", ann.key("first"))
                first.sftp(f"put {own}.pub .ssh/authorized_keys")
            for name in ("second", "third"):
                with _session(ann, name):
                    assert through_proxy_command(ann, name, own).ok("hostname") == f"{name}\n"
        finally:
            ann.ok("folder", "rm", ".ssh")


class _session:
    """A session of an owner's, for a while."""

    def __init__(self, owner: Owner, name: str) -> None:
        self._owner = owner
        self._name = name

    def __enter__(self) -> None:
        self._owner.run_session(self._name)

    def __exit__(self, *_: object) -> None:
        self._owner.remove(self._name)
