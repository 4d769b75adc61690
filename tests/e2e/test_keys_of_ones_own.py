"""Other ways in with a key of one's own: the user folder `.ssh`, and certificates for keys that an ssh-agent holds."""

import os
import subprocess
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from ssh_agent import ssh_agent
from ssh_client import run, through_forward, through_proxy_command

from integration.command_line import SSHORE

pytestmark = pytest.mark.every_engine

_NO_QUESTIONS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o LogLevel=ERROR"


@pytest.fixture(scope="module")
def max_(shared: Deployment) -> Owner:
    return shared.member("max")


def make_key(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    made = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], os.environ)
    assert made.returncode == 0, made.stderr.decode()
    return path


def test_authorized_keys_in_a_user_folder_open_every_session_whatever_their_modes(max_: Owner, tmp_path: Path) -> None:
    """R9, with the plainest of commands: `ssh -i ~/.ssh/mine -p PORT work@localhost`."""
    mine = make_key(tmp_path / ".ssh" / "mine")
    max_.ok("folder", "create", ".ssh")
    try:
        max_.run_session("first")
        first = through_proxy_command(max_, "first", max_.key("first"))
        line = mine.with_suffix(".pub").read_bytes()
        first.ok("cat >.ssh/authorized_keys; chmod 666 .ssh/authorized_keys; chmod 777 .ssh", stdin=line)
        for name in ("first", "second"):
            if name != "first":
                max_.run_session(name)
            port = max_.connect(name).port
            asked = "hostname; stat -c %a .ssh .ssh/authorized_keys"
            command = f"ssh {_NO_QUESTIONS} -i ~/.ssh/mine -p {port} work@localhost '{asked}'"
            said = subprocess.run(
                ["sh", "-c", command], env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True
            )
            assert (said.returncode, said.stdout) == (0, f"{name}\n777\n666\n"), said.stderr
            max_.remove(name)
    finally:
        max_.ok("folder", "rm", ".ssh")


def test_a_key_that_only_an_agent_holds_opens_a_session_by_a_certificate(max_: Owner, tmp_path: Path) -> None:
    """Nothing is registered, no private key is downloaded: the certificate is made on demand, for minutes."""
    max_.run_session("certified")
    key = make_key(tmp_path / "key")
    client = through_forward(max_, max_.connect("certified"))
    with ssh_agent(tmp_path) as environment:
        by_agent = client.having(IdentityFile=f"{key}.pub", IdentityAgent=environment["SSH_AUTH_SOCK"])
        assert run(["ssh-add", "-q", str(key)], environment).returncode == 0
        key.unlink()
        assert by_agent.run("true").returncode == 255
        certificate = tmp_path / "key-cert.pub"
        certificate.write_bytes(certify(max_, "certified", key.with_suffix(".pub").read_text()))
        assert by_agent.having(CertificateFile=str(certificate)).ok("whoami") == "work\n"
        described = run(["ssh-keygen", "-L", "-f", str(certificate)], os.environ).stdout.decode()
        assert "user certificate" in described and "forever" not in described
    max_.remove("certified")


def certify(owner: Owner, session: str, public_key: str) -> bytes:
    code = (
        "import sys, os; from sshore.cli.local_user import user_from_environment\n"
        "with user_from_environment(os.environ).client() as client:\n"
        f"    print(client.certificate({session!r}, sys.stdin.read()).certificate)\n"
    )
    done = run([str(Path(SSHORE).with_name("python")), "-c", code], owner.environment, stdin=public_key.encode())
    assert done.returncode == 0, done.stderr
    return done.stdout
