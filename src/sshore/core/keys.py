"""Keys and certificates in OpenSSH form: session keys, host keys, and the two CAs.

Certificates are OpenSSH's own (PROTOCOL.certkeys), not X.509.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_key,
)

from sshore.core.choices import KeyType
from sshore.core.errors import InvalidInput
from sshore.core.openssh_key import with_comment
from sshore.core.public_keys import read_public_key_text

RSA_BITS = 3072
_FOREVER = 2**64 - 1
_USER_EXTENSIONS = (
    b"permit-X11-forwarding",
    b"permit-agent-forwarding",
    b"permit-port-forwarding",
    b"permit-pty",
    b"permit-user-rc",
)

PublicKey: TypeAlias = ed25519.Ed25519PublicKey | rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def new_private_key(key_type: KeyType, comment: str = "") -> str:
    """A new private key in OpenSSH form, unencrypted; agents and PuTTY list it by its comment. RSA takes a quarter
    of a second: call it in a thread."""
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if key_type is KeyType.RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return with_comment(pem, comment) if comment else pem


def further_host_keys(key_type: KeyType) -> tuple[str, ...]:
    """New host keys beside one of Ed25519, for clients that may or can not have that one (FIPS 140, old libraries):
    ECDSA, and RSA for whoever has chosen RSA for the client's key. Call it in a thread, as `new_private_key`."""
    ecdsa = ec.generate_private_key(ec.SECP256R1())
    made = ecdsa.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return (made, new_private_key(KeyType.RSA)) if key_type is KeyType.RSA else (made,)


def public_line(private_key: str, comment: str = "") -> str:
    """The authorized_keys line of a private key, without a line feed."""
    return f"{_public_line(private_key)} {comment}".rstrip()


@lru_cache(maxsize=1000)
def _public_line(private_key: str) -> str:
    # Asked at each stream, and reading an RSA key takes a millisecond.
    public = load_ssh_private_key(private_key.encode(), password=None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def fingerprint(line: str) -> str:
    """``SHA256:…`` of a public key line, as `ssh-keygen -l` prints it."""
    blob = base64.b64decode(line.split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def read_public_key(line: str) -> PublicKey:
    """Read one authorized_keys line that can be certified.

    Raises:
        InvalidInput: it is not a public key, or of a kind that cannot be certified here.
    """
    checked = read_public_key_text(line)
    if checked.type.startswith("sk-"):
        # The library would read it as an ordinary key, and the certificate would be of no use.
        raise InvalidInput("security keys are not certified: register it as an own key with: sshore keys add FILE.pub")
    try:
        key = load_ssh_public_key(checked.line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("this is not an OpenSSH public key (one line, as in id_ed25519.pub)") from error
    if isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return key
    raise InvalidInput("keys of this type are not accepted: use Ed25519, ECDSA or RSA")


class CertificateAuthority:
    """A CA: signs host keys (the *host CA*) or users' keys (the *user CA*)."""

    def __init__(self, private_key: str) -> None:
        key = load_ssh_private_key(private_key.encode(), password=None)
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise InvalidInput("the CA's key is no Ed25519 key")
        self._key = key
        self.public_line = public_line(private_key)

    def sign_host_key(self, host_public_line: str, principals: Sequence[str], key_id: str) -> str:
        """A host certificate without an end, valid for the names in `principals`; one line."""
        builder = self._builder(host_public_line, principals, key_id)
        builder = builder.type(SSHCertificateType.HOST).valid_after(0).valid_before(_FOREVER)
        return builder.sign(self._key).public_bytes().decode()

    def sign_user_key(
        self, user_public_line: str, principal: str, key_id: str, valid_from: datetime, valid_until: datetime
    ) -> str:
        """A user certificate that opens the session whose principal it names; one line.

        Raises:
            InvalidInput: the line is not a public key that can be certified.
        """
        builder = self._builder(user_public_line, [principal], key_id).type(SSHCertificateType.USER)
        builder = builder.valid_after(int(valid_from.timestamp())).valid_before(int(valid_until.timestamp()))
        for extension in _USER_EXTENSIONS:
            builder = builder.add_extension(extension, b"")
        return builder.sign(self._key).public_bytes().decode()

    def _builder(self, line: str, principals: Sequence[str], key_id: str) -> SSHCertificateBuilder:
        builder = SSHCertificateBuilder().public_key(read_public_key(line)).key_id(key_id.encode())
        return builder.valid_principals([principal.encode() for principal in principals])
