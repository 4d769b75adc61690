"""Messages on what is a user's own: keys, files for new homes, the bootstrap script."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddOwnKey:
    """The text of a ``.pub`` file; an empty name means the key's comment."""

    public_key: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class OwnKeyMessage:
    """A registered key; `public_key` is its authorized_keys line."""

    id: str
    name: str
    type: str
    bits: int
    fingerprint: str
    public_key: str
    created_at: str


@dataclass(frozen=True, slots=True)
class UserFileMessage:
    """A file that each new home gets; `name` is its place below the home."""

    name: str
    size: int
    executable: bool
    updated_at: str


@dataclass(frozen=True, slots=True)
class UserFileContent:
    """What a user file holds, in base64."""

    content: str
    executable: bool = False


@dataclass(frozen=True, slots=True)
class SetBootstrap:
    script: str


@dataclass(frozen=True, slots=True)
class BootstrapMessage:
    """The script that runs at each start of a session; it is kept, but does not run, while it is not enabled."""

    script: str
    enabled: bool
    updated_at: str
