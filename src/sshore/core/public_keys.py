"""Public keys as users give them: read by structure, so that every type that OpenSSH takes is taken, security keys
included; and whatever else a file may hold is told apart and refused with the reason.

    one line of text ──▶ type, base64, comment ──▶ the blob's fields (RFC 4253 §6.6, RFC 5656 §3.1, PROTOCOL.u2f)

Standard library only: clients refuse a private key before it is sent anywhere.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from sshore.core.errors import InvalidInput

MAX_TEXT_BYTES = 32 << 10
MAX_COMMENT = 100
_CERTIFICATE_TYPE = re.compile(r"-cert(-v\d\d@openssh\.com)?$")
_RSA_BITS = range(2048, 16385)
"""OpenSSL refuses longer moduli (``OPENSSL_RSA_MAX_MODULUS_BITS``)."""
_POINT_BYTES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
_KEY_TYPE = re.compile(r"(sk-)?(ssh|ecdsa)-[a-z0-9][a-z0-9@.-]{1,60}")
_OTHER_KEY = "give one of another type, or make one with: ssh-keygen -t ed25519"
_ASK = "give the .pub file beside the private key, such as ~/.ssh/id_ed25519.pub"

_FOREIGN = (
    # The second is "openssh-key-v1", with which such a key begins below its first line.
    (
        "BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|b3BlbnNzaC1rZXktdjE",
        f"that is a private key; nothing of it was kept. Keep it to yourself, and {_ASK}",
    ),
    (
        "PuTTY-User-Key-File-",
        "that is a PuTTY private key file (.ppk); nothing of it was kept. Open it in PuTTYgen and give the text under "
        '"Public key for pasting into OpenSSH authorized_keys file"',
    ),
    (
        "BEGIN SSH2 PUBLIC KEY",
        "that is a public key in RFC 4716 form: turn it into OpenSSH's with: ssh-keygen -i -f FILE",
    ),
    ("BEGIN CERTIFICATE", f"that is an X.509 certificate, not an SSH public key: {_ASK}"),
    ("BEGIN PGP", f"that is a PGP key, not an SSH public key: {_ASK}"),
    (
        "PUBLIC KEY-----",
        "that is a public key in PEM form: turn it into OpenSSH's with: ssh-keygen -i -m PKCS8 -f FILE",
    ),
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key: the wire form's `blob`, whose first field is `type`. `bits` as `ssh-keygen -l` has them."""

    type: str
    blob: bytes
    bits: int
    comment: str = ""

    @property
    def line(self) -> str:
        """The authorized_keys line, without a comment, for comments are anybody's text."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``, as `ssh-keygen -l` and sshd's log have it."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode()
        return "SHA256:" + digest.rstrip("=")


def read_public_key_text(text: str) -> PublicKey:
    """Read the text of a ``.pub`` file.

    Raises:
        InvalidInput: it is something else, of which nothing is quoted; or a key that OpenSSH would not take.
    """
    line = the_one_line(text)
    words = line.split()
    if words[0] not in _READERS:
        raise InvalidInput(_refusal(words), field="public_key")
    if len(words) < 2:
        raise InvalidInput(
            f"there is nothing after {words[0]}: copy the whole line of the .pub file", field="public_key"
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
        bits = _read_blob(words[0], blob)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            f"the {words[0]} key is damaged ({error}): copy the whole line of the .pub file", field="public_key"
        ) from None
    if words[0] == "ssh-rsa" and bits not in _RSA_BITS:
        weak = "too weak: use 2048 or more" if bits < _RSA_BITS.start else "more than OpenSSH takes (16384)"
        raise InvalidInput(f"an RSA key of {bits} bits is {weak}", field="public_key")
    return PublicKey(words[0], blob, bits, clean_comment(" ".join(words[2:])))


def the_one_line(text: str) -> str:
    """The line of a file that holds one key, between empty lines and comments.

    Raises:
        InvalidInput: it is no such file.
    """
    if len(text) > MAX_TEXT_BYTES:
        raise InvalidInput(f"that is too long for a public key: {_ASK}", field="public_key")
    for mark, reason in _FOREIGN:
        if re.search(mark, text):
            raise InvalidInput(reason, field="public_key")
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise InvalidInput(f"there is no key in it: {_ASK}", field="public_key")
    if len(keys) > 1 and any(word in _READERS for line in keys for word in line.split()):
        raise InvalidInput(
            f"there are {len(keys)} lines, and a key is one: give keys one at a time, each as its .pub file has it",
            field="public_key",
        )
    return keys[0]


def is_certificate_type(key_type: str) -> bool:
    """Whether a type is a certificate's: ``…-cert-v01@openssh.com``, or ``…-cert`` as newer ones are called."""
    return _CERTIFICATE_TYPE.search(key_type) is not None


def clean_comment(comment: str) -> str:
    """A comment's printable characters, at most `MAX_COMMENT` of them."""
    return "".join(char for char in comment if char.isprintable()).strip()[:MAX_COMMENT]


def _refusal(words: list[str]) -> str:
    first = words[0]
    if is_certificate_type(first):
        return (
            "that is a certificate, which ends by itself: give the public key, the .pub file without -cert in its name"
        )
    if first == "ssh-dss":
        return "that is a DSA key, which OpenSSH takes no more: make another with: ssh-keygen -t ed25519"
    if _KEY_TYPE.fullmatch(first):
        return f"that is no OpenSSH public key of a type that is known here ({first}): {_OTHER_KEY}"
    if first.isdigit():
        return "that is a key of SSH version 1, which OpenSSH takes no more: make another with: ssh-keygen -t ed25519"
    if any(word in _READERS for word in words):
        return (
            "options before the key, as authorized_keys may have them (from=, command=, …), are not kept: "
            "give the key alone, beginning with its type"
        )
    return f"that is no OpenSSH public key: {_ASK}"


def _read_blob(key_type: str, blob: bytes) -> int:
    """Check all fields of a key, and that nothing follows; the number of bits.

    Raises:
        ValueError: it is not what it says.
    """
    fields = _Fields(blob)
    inner = fields.text()
    if inner != key_type:
        raise ValueError("its inside is of another type")
    bits = _READERS[key_type](fields)
    fields.end()
    return bits


class _Fields:
    """The fields of a blob: each a length of four bytes and so many bytes (RFC 4251 §5)."""

    def __init__(self, blob: bytes) -> None:
        self._rest = blob

    def string(self) -> bytes:
        length = int.from_bytes(self._rest[:4], "big")
        if len(self._rest) < 4 + length or len(self._rest) < 4:
            raise ValueError("its end is missing")
        field, self._rest = self._rest[4 : 4 + length], self._rest[4 + length :]
        return field

    def text(self) -> str:
        return self.string().decode("ascii", "replace")

    def number(self) -> int:
        field = self.string()
        if not field or field[0] & 0x80 or (field[0] == 0 and (len(field) == 1 or not field[1] & 0x80)):
            raise ValueError("a number in it is malformed")
        return int.from_bytes(field, "big")

    def end(self) -> None:
        if self._rest:
            raise ValueError("there is something after its end")


def _rsa(fields: _Fields) -> int:
    exponent, modulus = fields.number(), fields.number()
    if exponent < 3 or not exponent & 1 or not modulus & 1:
        raise ValueError("its numbers make no RSA key")
    return modulus.bit_length()


def _ed25519(fields: _Fields) -> int:
    if len(fields.string()) != 32:
        raise ValueError("an Ed25519 key has 32 bytes")
    return 256


def _ecdsa(curve: str) -> Callable[[_Fields], int]:
    def read(fields: _Fields) -> int:
        if fields.text() != curve:
            raise ValueError("its curve is another one")
        point = fields.string()
        if len(point) != _POINT_BYTES[curve] or point[0] != 4:  # SEC 1 §2.3.3; OpenSSH takes no compressed ones
            raise ValueError("its point is malformed")
        return int(curve.removeprefix("nistp"))

    return read


def _mldsa44_ed25519(fields: _Fields) -> int:
    if len(fields.string()) != 1312 + 32:
        raise ValueError("an ML-DSA-44 key with an Ed25519 key has 1344 bytes")
    return 512


def _of_security_key(read_key: Callable[[_Fields], int]) -> Callable[[_Fields], int]:
    """A security key's blob ends with its application, such as ``ssh:`` (PROTOCOL.u2f)."""

    def read(fields: _Fields) -> int:
        bits = read_key(fields)
        if not fields.string():
            raise ValueError("it names no application")
        return bits

    return read


_READERS: dict[str, Callable[[_Fields], int]] = {
    "ssh-ed25519": _ed25519,
    "ssh-rsa": _rsa,
    **{f"ecdsa-sha2-{curve}": _ecdsa(curve) for curve in _POINT_BYTES},
    "sk-ssh-ed25519@openssh.com": _of_security_key(_ed25519),
    "sk-ecdsa-sha2-nistp256@openssh.com": _of_security_key(_ecdsa("nistp256")),
    # Since OpenSSH 10.6.
    "ssh-mldsa44-ed25519": _mldsa44_ed25519,
}
KEY_TYPES = frozenset(_READERS)
"""What can be read here. What a server takes is for its sshd to say."""
LONG_KNOWN_KEY_TYPES = KEY_TYPES - {"ssh-mldsa44-ed25519"}
"""What every sshd since OpenSSH 8.2 takes."""
