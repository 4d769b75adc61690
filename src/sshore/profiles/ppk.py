"""Writes PuTTY's private key files, unencrypted (PuTTY manual, appendix C: PPK file format).

Version 3 is read by PuTTY 0.75 and later, FileZilla and WinSCP; version 2 by older ones, too.
"""

import base64
import hashlib
import hmac

from sshore.core.openssh_key import PrivateKey

_LINE = 64


def write_ppk(key: PrivateKey, version: int = 3) -> str:
    """The file's text. `version` is 2 or 3."""
    comment = key.comment.replace("\r", " ").replace("\n", " ")
    private_blob = _private_blob(key)
    mac = _mac(version, key, comment, private_blob)
    lines = [
        f"PuTTY-User-Key-File-{version}: {key.type}",
        "Encryption: none",
        f"Comment: {comment}",
        *_block("Public-Lines", key.public_blob),
        *_block("Private-Lines", private_blob),
        f"Private-MAC: {mac}",
    ]
    return "\r\n".join(lines) + "\r\n"


def public_blob_of_ppk(text: str) -> bytes:
    """The public key in a file of this form, empty where it is none: to tell whose a file is."""
    lines = text.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith("Public-Lines: ")), None)
    if at is None or not text.startswith("PuTTY-User-Key-File-"):
        return b""
    try:
        count = int(lines[at].split(": ")[1])
        return base64.b64decode("".join(lines[at + 1 : at + 1 + count]), validate=True)
    except ValueError:
        return b""


def _private_blob(key: PrivateKey) -> bytes:
    if key.type == "ssh-ed25519":
        seed_and_public = key.fields[1]
        return _string(seed_and_public[:32])
    _, _, d, iqmp, p, q = key.fields
    return b"".join(_string(number) for number in (d, p, q, iqmp))


def _mac(version: int, key: PrivateKey, comment: str, private_blob: bytes) -> str:
    parts = (key.type.encode(), b"none", comment.encode(), key.public_blob, private_blob)
    data = b"".join(_string(part) for part in parts)
    if version == 3:  # without a passphrase the MAC's key is empty: it detects damage only
        return hmac.new(b"", data, hashlib.sha256).hexdigest()
    mac_key = hashlib.sha1(b"putty-private-key-file-mac-key", usedforsecurity=False).digest()
    return hmac.new(mac_key, data, hashlib.sha1).hexdigest()


def _block(name: str, blob: bytes) -> list[str]:
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return [f"{name}: {len(lines)}", *lines]


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data
