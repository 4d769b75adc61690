"""What a server is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionMessage:
    version: str
    engines: list[str]
    kit: str
    oidc: bool = False
    """Whether users can log in at an OpenID Connect provider."""
