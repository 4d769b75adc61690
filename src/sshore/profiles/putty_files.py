"""PuTTY's own files where it has no registry: on Unix, and FileZilla's up to 3.63, which shares its host keys.

    sessions/NAME      a saved session, ``Key=Value`` lines; NAME percent-encoded
    sshhostkeys        the host keys that PuTTY has been told to trust, one a line
    sshhostcas/NAME    a host CA and the names that it may vouch for

Text in, text out: what is not ours stays as it is.
"""

import base64
import shlex
import string
from collections.abc import Iterable, Mapping, Sequence

from sshore.core import layout
from sshore.core.errors import InvalidInput
from sshore.core.names import HOST_SUFFIX
from sshore.profiles.known_hosts import LOCAL_HOSTS
from sshore.profiles.sites import Site

Settings = Mapping[str, str]
_PLAIN = frozenset((string.ascii_letters + string.digits + "+-.@_").encode())
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


def file_name(name: str) -> str:
    """The name of the file that holds a session or a CA of this name (PuTTY, unix/storage.c)."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in name.encode())


def forward_session(site: Site) -> Settings:
    """A saved session that leads to a local port."""
    return {
        "HostName": site.host,
        "PortNumber": str(site.port),
        "Protocol": "ssh",
        "UserName": layout.ACCOUNT,
        "PublicKeyFile": site.key_file,
        "SSHManualHostKeys": site.fingerprints,
    }


def named_session(name: str, key_file: str, sshore: Sequence[str]) -> Settings:
    """A saved session that needs no local port; its host key is vouched for by the host CA."""
    command = shlex.join([*sshore, "stream", name]).replace("\\", "\\\\").replace("%", "%%")
    return {
        "HostName": f"{name}{HOST_SUFFIX}",
        "PortNumber": "22",
        "Protocol": "ssh",
        "UserName": layout.ACCOUNT,
        "PublicKeyFile": key_file,
        "ProxyMethod": "5",  # a local command
        "ProxyTelnetCommand": command,
    }


def host_ca(public_key: str) -> Settings:
    """A host CA for every session's name."""
    return {"PublicKey": public_key.split()[1], "Validity": f"*{HOST_SUFFIX}"}


def with_settings(text: str, settings: Settings) -> str:
    """The file with these settings, and whatever else its user has set."""
    kept = [line for line in _split(text) if line.partition("=")[0] not in settings]
    return _lines([*(f"{name}={value}" for name, value in settings.items()), *kept])


def setting(text: str, name: str) -> str:
    """A setting's value; empty where it is not set."""
    found = (line.partition("=") for line in _split(text))
    return next((value for key, _, value in found if key == name), "")


def with_host_keys(text: str, port: int, host_keys: Iterable[str]) -> str:
    """The file `sshhostkeys` with the host keys behind a local port, in the place of what was trusted there before.

    Raises:
        InvalidInput: one of them is of a type that none of ours is.
    """
    places = [f"@{port}:{host}" for host in LOCAL_HOSTS]
    kept = [line for line in _split(text) if not line.partition(" ")[0].endswith(tuple(places))]
    keys = [_written(host_key) for host_key in host_keys]
    return _lines([*kept, *(f"{kind}{place} {numbers}" for kind, numbers in keys for place in places)])


def _written(host_key: str) -> tuple[str, str]:
    """PuTTY's name for a key's type, and its numbers (PuTTY's cache_str)."""
    kind, encoded = host_key.split()[:2]
    fields = _strings(base64.b64decode(encoded))
    match kind:
        case "ssh-ed25519":
            x, y = _point(fields[1])
            return kind, f"{x:#x},{y:#x}"
        case "ecdsa-sha2-nistp256":
            x, y = (int.from_bytes(half) for half in (fields[2][1:33], fields[2][33:]))
            return kind, f"nistp256,{x:#x},{y:#x}"
        case "ssh-rsa":
            exponent, modulus = (int.from_bytes(field) for field in fields[1:3])
            return "rsa2", f"{exponent:#x},{modulus:#x}"
    raise InvalidInput(f"PuTTY is told of host keys of ours only, none of which is of type {kind}")


def _strings(blob: bytes) -> list[bytes]:
    """The strings that a public key is made of (RFC 4251 §5)."""
    found = []
    while blob:
        length = int.from_bytes(blob[:4])
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found


def _point(encoded: bytes) -> tuple[int, int]:
    """The point that an Ed25519 public key is (RFC 8032 §5.1.3): PuTTY writes down both coordinates."""
    number = int.from_bytes(encoded, "little")
    y, is_odd = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    return (x if x % 2 == is_odd else _P - x), y


def _split(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
