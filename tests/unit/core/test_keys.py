"""Keys and certificates, as OpenSSH's own tools read them."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sshore.core.choices import KeyType
from sshore.core.errors import InvalidInput
from sshore.core.keys import CertificateAuthority, fingerprint, new_private_key, public_line


def keygen(*arguments: str) -> str:
    return subprocess.run(["ssh-keygen", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("key_type", list(KeyType))
def test_openssh_reads_session_keys(key_type: KeyType, tmp_path: Path) -> None:
    private = new_private_key(key_type, "work@demo.sshore")
    path = tmp_path / "id_container"
    path.write_text(private)
    path.chmod(0o600)
    assert keygen("-y", "-f", str(path)).split()[:2] == public_line(private).split()
    described = keygen("-l", "-f", str(path))
    assert fingerprint(public_line(private)) in described
    assert " work@demo.sshore (" in described


def test_a_host_certificate_names_its_hosts(tmp_path: Path) -> None:
    authority = CertificateAuthority(new_private_key(KeyType.ED25519))
    path = tmp_path / "host-cert.pub"
    path.write_text(
        authority.sign_host_key(public_line(new_private_key(KeyType.ED25519)), ["demo.sshore"], "session x")
    )
    shown = keygen("-L", "-f", str(path))
    assert "host certificate" in shown and "demo.sshore" in shown and "Valid: forever" in shown


def test_a_user_certificate_opens_one_session_for_minutes(tmp_path: Path) -> None:
    authority = CertificateAuthority(new_private_key(KeyType.ED25519))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    line = public_line(new_private_key(KeyType.RSA))
    path = tmp_path / "user-cert.pub"
    path.write_text(authority.sign_user_key(line, "session-id", "who", now, now + timedelta(minutes=10)))
    shown = keygen("-L", "-f", str(path))
    assert "user certificate" in shown and "session-id" in shown and "permit-pty" in shown and "forever" not in shown


@pytest.mark.parametrize("line", ["", "rubbish", "ssh-ed25519 AAAA", "-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_what_is_no_public_key_is_not_certified(line: str) -> None:
    authority = CertificateAuthority(new_private_key(KeyType.ED25519))
    with pytest.raises(InvalidInput):
        authority.sign_user_key(line, "p", "k", datetime.now(UTC), datetime.now(UTC))
