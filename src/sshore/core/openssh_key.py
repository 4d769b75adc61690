"""Reads OpenSSH private keys (PROTOCOL.key), unencrypted, of type Ed25519 or RSA; and gives new ones a comment."""

import base64
import textwrap
from dataclasses import dataclass

from sshore.core.errors import InvalidInput

_BEGIN, _END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"
_BLOCK = 8


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key: `public_blob` as in authorized_keys, `fields` its private numbers as they stand in the file.

    ``ssh-ed25519``: public key, seed and public key. ``ssh-rsa``: n, e, d, iqmp, p, q.
    """

    type: str
    public_blob: bytes
    fields: tuple[bytes, ...]
    comment: str


_FIELDS = {"ssh-ed25519": 2, "ssh-rsa": 6}


def read_private_key(pem: str) -> PrivateKey:
    """Read the PEM text.

    Raises:
        InvalidInput: it is no such key, or has a passphrase.
    """
    try:
        return _read(_Reader(_decode(pem)))
    except (ValueError, IndexError) as error:
        raise InvalidInput(f"this is no OpenSSH private key ({error}); download it again: sshore key NAME") from error


def with_comment(pem: str, comment: str) -> str:
    """The same key under a comment, by which agents and PuTTY list it. Raises as `read_private_key` does."""
    key = read_private_key(pem)
    check = bytes(8)  # two equal numbers: what a passphrase is checked by
    words = (key.type.encode(), *key.fields, comment.encode())
    private = check + b"".join(map(_string, words))
    private += bytes(range(1, 1 + -len(private) % _BLOCK))
    head = b"".join(map(_string, (b"none", b"none", b"")))
    data = _MAGIC + head + (1).to_bytes(4) + _string(key.public_blob) + _string(private)
    return "\n".join([_BEGIN, *textwrap.wrap(base64.b64encode(data).decode(), 70), _END, ""])


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def _decode(pem: str) -> bytes:
    body = pem.partition(_BEGIN)[2].partition(_END)[0]
    data = base64.b64decode("".join(body.split()), validate=True)
    if not data.startswith(_MAGIC):
        raise ValueError("its first bytes are others")
    return data[len(_MAGIC) :]


def _read(reader: "_Reader") -> PrivateKey:
    cipher, _, _ = reader.string(), reader.string(), reader.string()
    if cipher != b"none":
        raise ValueError("it has a passphrase")
    if reader.number() != 1:
        raise ValueError("it is not one key")
    public_blob = reader.string()
    private = _Reader(reader.string())
    if private.number() != private.number():
        raise ValueError("its check numbers differ")
    kind = private.string().decode("ascii")
    if kind not in _FIELDS:
        raise ValueError(f"its type is {kind}")
    fields = tuple(private.string() for _ in range(_FIELDS[kind]))
    return PrivateKey(kind, public_blob, fields, private.string().decode(errors="replace"))


class _Reader:
    """Numbers and strings of the SSH wire (RFC 4251 §5)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        return int.from_bytes(self._take(4))

    def string(self) -> bytes:
        return self._take(self.number())

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ValueError("it is cut short")
        taken, self._at = self._data[self._at : end], end
        return taken
