"""Keys of sessions, certificates for clients, and what clients trust."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SessionKeyMessage:
    """The session key: `private_key` in OpenSSH form, `public_key` and `host_key` as authorized_keys lines.

    `further_host_keys`: the session's of other types, for clients that do not know Ed25519.
    """

    session_id: str
    name: str
    private_key: str
    public_key: str
    host_key: str
    further_host_keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """A public key (one authorized_keys line) to be certified for one session."""

    public_key: str


@dataclass(frozen=True, slots=True)
class CertificateMessage:
    session_id: str
    name: str
    certificate: str
    valid_until: str
    host_key: str = ""
    """The session's, one line: what it shows to clients that ask for no certificate."""
    further_host_keys: list[str] = field(default_factory=list)
    """Those of other types."""


@dataclass(frozen=True, slots=True)
class TrustMessage:
    """What a client needs to verify every session: the host CA's public key, one line."""

    host_ca: str
