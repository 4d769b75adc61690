"""What is chosen by a word: a session's network and type of key, a user's role, what a token may do."""

from enum import StrEnum


class Network(StrEnum):
    NAT = "nat"
    """Outgoing only; the host's loopback is closed to it."""
    NONE = "none"
    HOST = "host"


class KeyType(StrEnum):
    ED25519 = "ed25519"
    RSA = "rsa"


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"


class Scope(StrEnum):
    """What an API token may do of what its user may. The table of routes is `api.scopes`."""

    ALL = "all"
    STREAMS = "streams"
    """Open streams to apps that are launched, and what a client must read and certify for that."""
    READ = "read"
    """Read what there is and how it does; no secrets, no files, no output of programs. Change and open nothing."""
