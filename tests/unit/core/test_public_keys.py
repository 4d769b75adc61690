"""What users give as their public key: every type that OpenSSH takes, and everything that is none."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sshore.core.choices import KeyType
from sshore.core.errors import Conflict, InvalidInput, NotFound
from sshore.core.ids import OwnKeyId, UserId
from sshore.core.keys import CertificateAuthority, fingerprint, new_private_key, public_line
from sshore.core.openssh_key import read_private_key
from sshore.core.own_keys import OwnKey, find_own_key
from sshore.core.public_keys import read_public_key_text
from sshore.profiles.ppk import write_ppk

PRIVATE = new_private_key(KeyType.ED25519)
PUBLIC = public_line(PRIVATE)


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def line(key_type: str, *fields: bytes, inner: str = "") -> str:
    blob = b"".join(string(field) for field in ((inner or key_type).encode(), *fields))
    return f"{key_type} {base64.b64encode(blob).decode()}"


def rsa_line(bits: int) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def ecdsa_line(curve: ec.EllipticCurve) -> str:
    key = ec.generate_private_key(curve).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


SK_ED25519 = line("sk-ssh-ed25519@openssh.com", bytes(range(32)), b"ssh:")
SK_ECDSA = line("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b"\4" + bytes(64), b"ssh:work")


MLDSA44_ED25519 = line("ssh-mldsa44-ed25519", bytes(1344))


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        (PUBLIC, 256),
        (rsa_line(2048), 2048),
        (ecdsa_line(ec.SECP256R1()), 256),
        (ecdsa_line(ec.SECP384R1()), 384),
        (ecdsa_line(ec.SECP521R1()), 521),
        (SK_ED25519, 256),
        (SK_ECDSA, 256),
        (MLDSA44_ED25519, 512),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else str(value),
)
def test_every_type_that_openssh_takes_is_taken(text: str, bits: int) -> None:
    key = read_public_key_text(f"{text} ann@laptop\n")
    assert (key.type, key.bits, key.comment, key.line) == (text.split()[0], bits, "ann@laptop", text)
    assert key.fingerprint == fingerprint(text)
    assert hashlib.sha256(key.blob).digest() == base64.b64decode(key.fingerprint.removeprefix("SHA256:") + "=")


def test_comments_and_empty_lines_around_the_key_are_passed_over() -> None:
    text = f"\ufeff# my laptop\r\n\r\n{PUBLIC} a comment of several words\r\n\r\n"
    assert read_public_key_text(text).comment == "a comment of several words"


def test_a_comment_cannot_write_lines_of_its_own() -> None:
    key = read_public_key_text(f"{PUBLIC} a\x1b[31m\x00b" + "c" * 500)
    assert key.comment.startswith("a[31mb") and len(key.comment) == 100 and key.line == PUBLIC


def pem(form: PrivateFormat) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@pytest.mark.parametrize(
    "text",
    [
        PRIVATE,
        pem(PrivateFormat.TraditionalOpenSSL),
        pem(PrivateFormat.PKCS8),
        PRIVATE.replace("\n", " "),
        "".join(PRIVATE.splitlines()[1:-1]),
        f"{PUBLIC}\n{PRIVATE}",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nabc\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n",
    ],
    ids=["openssh", "pkcs1", "pkcs8", "on one line", "without its first line", "with the public key", "ssh.com"],
)
def test_a_private_key_is_refused_as_one_and_not_quoted(text: str) -> None:
    with pytest.raises(InvalidInput, match="that is a private key; nothing of it was kept") as refusal:
        read_public_key_text(text)
    assert r".pub" in str(refusal.value)
    assert not any(word in str(refusal.value) for word in text.split() if len(word) > 20)


def certificate() -> str:
    return CertificateAuthority(PRIVATE).sign_host_key(PUBLIC, ["host"], "id")


def dsa_line() -> str:
    key = dsa.generate_private_key(1024).parameters().parameter_numbers()
    return line("ssh-dss", *(number.to_bytes(129, "big") for number in (key.p, key.q, key.g, 5)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (certificate(), "that is a certificate"),
        ("ssh-mldsa44-ed25519-cert AAAA", "that is a certificate"),
        (f'from="10.0.0.0/8",no-pty {PUBLIC}', "options before the key"),
        (f'command="echo hello there" {PUBLIC}', "options before the key"),
        (dsa_line(), "a DSA key"),
        ("1024 35 1234567890123 ann@old", "SSH version 1"),
        (write_ppk(read_private_key(PRIVATE)), "PuTTY private key file"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "ssh-keygen -i -f"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "ssh-keygen -i -m PKCS8 -f"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "X.509"),
        (f"{PUBLIC}\n{SK_ED25519}\n", "there are 2 lines"),
        ("", "there is no key in it"),
        ("# nothing but a comment\n", "there is no key in it"),
        ("hello world", "that is no OpenSSH public key"),
        ("#!/bin/sh\necho hello\nexit\n", "that is no OpenSSH public key"),
        ("\x7fELF\x02\x01\x01\x00", "that is no OpenSSH public key"),
        ("a" * 40_000, "too long"),
        ("ssh-ed448 AAAA", r"that is no OpenSSH public key of a type that is known here \(ssh-ed448\)"),
        ("ssh-ed25519", "copy the whole line"),
    ],
)
def test_whatever_else_is_told_apart(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_public_key_text(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PUBLIC[:-6], "damaged"),
        (PUBLIC.replace("AAAA", "AA*A", 1), "damaged"),
        (line("ssh-ed25519", bytes(31)), "has 32 bytes"),
        (line("ssh-ed25519", bytes(32), b"more"), "something after its end"),
        (line("ssh-ed25519", bytes(32), inner="ssh-rsa"), "of another type"),
        (PUBLIC.replace("ssh-ed25519", "ssh-rsa"), "of another type"),
        (line("ecdsa-sha2-nistp256", b"nistp384", b"\4" + bytes(64)), "curve"),
        (line("ecdsa-sha2-nistp256", b"nistp256", b"\2" + bytes(32)), "point"),
        (line("sk-ssh-ed25519@openssh.com", bytes(32)), "its end is missing"),
        (line("sk-ssh-ed25519@openssh.com", bytes(32), b""), "application"),
        (line("ssh-rsa", b"\1\0\1", b"\x7f" + bytes(255)), "no RSA key"),
        (line("ssh-rsa", b"\1\0\1", b"\xff" * 256), "number in it is malformed"),
        (line("ssh-rsa", b"\1\0\1", b"\0" + b"\xff" * 128), "1024 bits is too weak"),
        (line("ssh-rsa", b"\1\0\1", b"\0" + b"\xff" * 4096), "more than OpenSSH takes"),
    ],
    ids=lambda value: value.partition(" ")[0],  # the same in every worker, though the keys are not
)
def test_a_damaged_or_weak_key_is_refused_before_sshd_meets_it(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        read_public_key_text(text)


def test_a_key_is_meant_by_its_id_its_fingerprint_or_its_name() -> None:
    def own(key_id: str, name: str) -> OwnKey:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return OwnKey(OwnKeyId(key_id), UserId("u"), name, "ssh-ed25519", 256, PUBLIC, f"SHA256:{key_id}", now)

    keys = [own("one", "laptop"), own("two", "desk"), own("three", "desk")]
    assert find_own_key(keys, "two").id == "two"
    assert find_own_key(keys, "SHA256:three").id == "three"
    assert find_own_key(keys, "laptop").id == "one"
    with pytest.raises(Conflict, match="by its id: two, three"):
        find_own_key(keys, "desk")
    with pytest.raises(NotFound, match="did you mean laptop"):
        find_own_key(keys, "latop")
