"""Clients without Ed25519 (hosts in FIPS mode, old libraries): host keys of ECDSA, and of RSA where RSA was chosen."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from programs import need
from ssh_client import SshClient, through_forward
from ssh_libraries import list_home, where

from integration.command_line import CommandLine
from integration.free_port import free_port
from sshore.proxy.forwards import Card

ECDSA, RSA = "ecdsa-sha2-nistp256", "rsa-sha2-512"
FIPS = {
    "HostKeyAlgorithms": f"{RSA},{ECDSA}",
    "KexAlgorithms": "ecdh-sha2-nistp256",
    "Ciphers": "aes256-gcm@openssh.com,aes128-ctr",
    "MACs": "hmac-sha2-256",
    "PubkeyAcceptedAlgorithms": f"{RSA},{ECDSA}",
    "CASignatureAlgorithms": f"{RSA},{ECDSA}",
    "StrictHostKeyChecking": "yes",
}
"""What an `ssh` in FIPS mode knows, with strict checking."""
_PARAMIKO = """
import sys, paramiko
port, key_file, known_hosts = sys.argv[1:]
with paramiko.SSHClient() as client:
    client.load_host_keys(known_hosts)
    client.connect("localhost", int(port), "work", key_filename=key_file, allow_agent=False, look_for_keys=False,
                   disabled_algorithms={"keys": ["ssh-ed25519"]})
    print(client.get_transport().get_remote_server_key().get_name())
"""


@pytest.fixture(scope="module")
def fay(shared: Deployment) -> Iterator[Owner]:
    """An owner whose `modern` session has keys as they come, and whose `old` one has an RSA key."""
    fay = shared.member("fips")
    fay.run_session("modern", "--network", "none")
    fay.run_session("old", "--network", "none", "--key-type", "rsa")
    yield fay
    fay.remove("modern", "old")


@pytest.fixture(scope="module")
def old_card(fay: Owner) -> Card:
    return fay.connect("old")


@pytest.fixture(scope="module")
def modern_card(fay: Owner) -> Card:
    return fay.connect("modern")


def through(owner: Owner, card: Card, **options: str) -> SshClient:
    return through_forward(owner, card).having(StrictHostKeyChecking="yes", **options)


def by_name(owner: Owner, name: str, *options: str) -> str:
    words = [word for option in options for word in ("-o", option)]
    done = owner.run("ssh", name, *words, "whoami")
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def test_a_client_in_fips_mode_gets_in_by_a_port(fay: Owner, old_card: Card) -> None:
    client = through_forward(fay, old_card).having(**FIPS)
    assert client.ok("whoami") == "work\n"
    assert client.sftp("pwd").endswith("/home/work\n")


def test_a_client_that_knows_nothing_but_rsa_does_too(fay: Owner, old_card: Card) -> None:
    assert through_forward(fay, old_card).having(**{**FIPS, "HostKeyAlgorithms": RSA}).ok("whoami") == "work\n"


def test_every_session_has_a_host_key_of_ecdsa(fay: Owner, modern_card: Card) -> None:
    assert through(fay, modern_card, HostKeyAlgorithms=ECDSA).ok("whoami") == "work\n"
    refused = through(fay, modern_card, HostKeyAlgorithms=RSA, LogLevel="INFO").run("true")
    assert b"no matching host key type" in refused.stderr and ECDSA.encode() in refused.stderr


def test_the_card_shows_each_fingerprint(fay: Owner, old_card: Card) -> None:
    assert list(old_card.host_key_fingerprints) == ["ssh-ed25519", ECDSA, "ssh-rsa"]
    assert old_card.host_key_fingerprints["ssh-ed25519"] == old_card.host_key_fingerprint
    shown = fay.ok("connect", "old")
    for name, fingerprint in zip(("ECDSA", "RSA"), list(old_card.host_key_fingerprints.values())[1:], strict=True):
        assert f"{fingerprint} ({name})" in shown


@pytest.mark.parametrize("algorithm", [f"{ECDSA}-cert-v01@openssh.com", f"{RSA}-cert-v01@openssh.com", ECDSA, RSA])
def test_by_name_they_are_certified_and_known_without_it(fay: Owner, algorithm: str) -> None:
    said = by_name(fay, "old", f"HostKeyAlgorithms={algorithm}", "LogLevel=DEBUG1")
    assert f"kex: host key algorithm: {algorithm}" in said


def test_by_name_in_fips_mode_too(fay: Owner) -> None:
    by_name(fay, "old", *(f"{name}={value}" for name, value in FIPS.items() if name != "PubkeyAcceptedAlgorithms"))


def test_a_client_key_is_made_where_ssh_keygen_makes_no_ed25519(shared: Deployment, fay: Owner, tmp_path: Path) -> None:
    need("ssh-keygen")
    fips = tmp_path / "bin" / "ssh-keygen"
    fips.parent.mkdir()
    fips.write_text(  # as Red Hat's says it
        '#!/bin/sh\ncase " $* " in *" ed25519 "*) echo "ED25519 keys are not allowed in FIPS mode" >&2; exit 1;; esac\n'
        'exec /usr/bin/ssh-keygen "$@"\n'
    )
    fips.chmod(0o755)
    own = Owner(tmp_path / "config", shared.url, fay.token)
    own.environment["PATH"] = f"{fips.parent}:{own.environment['PATH']}"
    accepted = f"{ECDSA},{ECDSA}-cert-v01@openssh.com"
    by_name(own, "modern", f"HostKeyAlgorithms={ECDSA}", f"PubkeyAcceptedAlgorithms={accepted}")
    assert (own.config / "ssh" / "id_sshore.pub").read_text().startswith(ECDSA)


def test_paramiko_without_ed25519_verifies_the_next_best(fay: Owner, old_card: Card) -> None:
    words = [sys.executable, "-c", _PARAMIKO, str(old_card.port), old_card.key_file, old_card.known_hosts_file]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() in (ECDSA, "ssh-rsa"), done.stderr


def test_a_folders_port_has_them_and_a_key_of_the_type_that_its_user_has_set(fay: Owner) -> None:
    fay.ok("settings", "set", "key-type", "rsa")
    try:
        fay.ok("folder", "create", "old")
        client = through_forward(fay, Card(**fay.json("connect", "folder:old"))).having(**FIPS)
        assert client.sftp("pwd").endswith("/home/work/old\n")
    finally:
        fay.ok("settings", "set", "key-type", "")
        fay.run("disconnect", "folder:old")


def test_putty_that_prefers_others_knows_them(fay: Owner, old_card: Card, tmp_path: Path) -> None:
    need("plink")
    at_putty = CommandLine(fay.config, HOME=str(tmp_path), PUTTYDIR=str(tmp_path / "putty"))
    at_putty.ok("profile", "old", "putty", "--install")
    saved = tmp_path / "putty" / "sessions" / "old"
    lines = [line for line in saved.read_text().splitlines() if not line.startswith("HostKey=")]
    for order, used in (("ecdsa,rsa,ed25519,WARN", f"{ECDSA} 256 "), ("rsa,ecdsa,ed25519,WARN", "ssh-rsa 3072 ")):
        for kept in (lines, [line for line in lines if not line.startswith("SSHManualHostKeys=")]):
            text = "\n".join([*kept, f"HostKey={order}", "PreferKnownHostKeys=0", ""])
            saved.write_text(text)
            done = subprocess.run(
                ["plink", "-v", "-batch", "-load", "old", "id"],
                env=at_putty.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert "(work)" in done.stdout, done.stderr
            assert f"Host key fingerprint is:\n{used}SHA256:" in done.stderr


def test_a_port_of_an_older_local_proxy_offers_what_its_known_hosts_has(fay: Owner, tmp_path: Path) -> None:
    """Go's library asks for ECDSA before it looks which keys it knows: a second key would lock it out."""
    card = fay.connect("modern", "--port", str(free_port()))
    fay.ok("proxy", "stop")
    state = fay.config / "forwards.json"
    state.write_text(_without_further_keys(state.read_text()))
    fay.ok("proxy", "start")
    known_hosts = Path(card.known_hosts_file)
    known_hosts.write_text(
        "".join(line for line in known_hosts.read_text().splitlines(keepends=True) if "ecdsa" not in line)
    )
    done = list_home("Go", where(card, tmp_path), fay.environment)
    assert done.returncode == 0, done.stdout
    assert through_forward(fay, card).ok("whoami") == "work\n"
    refused = through(fay, card, HostKeyAlgorithms=ECDSA, LogLevel="INFO").run("true")
    assert b"no matching host key type" in refused.stderr

    again = fay.connect("modern")
    assert again.port == card.port
    assert through(fay, again, HostKeyAlgorithms=ECDSA).ok("whoami") == "work\n"
    done = list_home("Go", where(again, tmp_path), fay.environment)
    assert done.returncode == 0, done.stdout


def _without_further_keys(state: str) -> str:
    document = json.loads(state)
    for forward in document["forwards"]:
        del forward["further_host_keys"]
    return json.dumps(document)
