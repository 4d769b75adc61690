"""What comes with a stream: a certificate for some minutes, the host CA, the session's name, id and host keys.

A server's answer is not trusted to be what it should: its id becomes part of a file's name, its name a host's, and its
lines parts of files that `ssh` reads. Imports nothing: `ssh` waits.
"""

from sshore.wire.upgrades import (
    CERTIFICATE_HEADER,
    FURTHER_HOST_KEYS_HEADER,
    HOST_CA_HEADER,
    HOST_KEY_HEADER,
    NAME_HEADER,
    SESSION_HEADER,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_TYPE = _LABEL | frozenset("@.")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
_CERTIFICATE_TYPE = "-cert-v01@openssh.com"
_LONGEST_LABEL = 63


class ForeignAnswer(ValueError):
    """The answer holds something that no Sshore server says."""


class LoginCertificate:
    """Checked: each is what its name says, and nothing more. `host_keys`: that of Ed25519 first; none where the server
    is older."""

    __slots__ = ("certificate", "host_ca", "host_keys", "name", "session_id")

    def __init__(
        self, session_id: str, name: str, certificate: str, host_ca: str, host_keys: "Iterable[str]" = ()
    ) -> None:
        """Raises ForeignAnswer when one of them is something else."""
        self.session_id = check_label(session_id)
        self.name = check_label(name)
        self.certificate = _line(certificate, is_certificate=True)
        self.host_ca = public_key_line(host_ca)
        self.host_keys = [public_key_line(key) for key in host_keys if key]


def read_login_certificate(fields: "Mapping[str, str]") -> LoginCertificate | None:
    """What the fields of a stream's answer bring; None where the server is older and brings none.

    Raises:
        ForeignAnswer: it is not what it should be.
    """
    if CERTIFICATE_HEADER not in fields:
        return None
    session_id, name, certificate, host_ca, host_key, further = (
        fields.get(header, "")
        for header in (
            SESSION_HEADER,
            NAME_HEADER,
            CERTIFICATE_HEADER,
            HOST_CA_HEADER,
            HOST_KEY_HEADER,
            FURTHER_HOST_KEYS_HEADER,
        )
    )
    return LoginCertificate(session_id, name, certificate, host_ca, [host_key, *further.split(",")])


def check_label(text: str) -> str:
    """A session's id or name: a DNS label in lower case, which is safe in file names and in ssh_config.

    Raises:
        ForeignAnswer: it is none.
    """
    if not 0 < len(text) <= _LONGEST_LABEL or not _LABEL.issuperset(text) or text[0] == "-":
        raise ForeignAnswer(f"{text[:80]!r} is no session's name or id")
    return text


def public_key_line(line: str) -> str:
    """A public key's type and base64. Raises ForeignAnswer when it is none."""
    return _line(line, is_certificate=False)


def _line(line: str, *, is_certificate: bool) -> str:
    """A key's or a certificate's type and base64, without the comment; one line, because no line break is left."""
    kind, _, rest = line.strip().partition(" ")
    body = rest.partition(" ")[0]
    right = kind.endswith(_CERTIFICATE_TYPE) is is_certificate
    if not right or not body or not _TYPE.issuperset(kind) or not _BASE64.issuperset(body):
        raise ForeignAnswer(f"{line[:80]!r} is no {'certificate' if is_certificate else 'public key'} of OpenSSH's")
    return f"{kind} {body}"
