"""Requests about users and passwords; what they are answered with is in `messages`."""

from dataclasses import dataclass, field

from sshore.core.users import Role


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A user name and password, to be exchanged for a token of the given name."""

    user: str
    password: str = field(repr=False)
    token_name: str = ""


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """What is None stays as it is."""

    role: Role | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class SetPassword:
    """A new password; `current` is needed where users change one that they have."""

    password: str = field(repr=False)
    current: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LinkUser:
    """Who the user is at the OpenID Connect provider (issuer, ``#``, subject); empty: nobody."""

    oidc_subject: str


@dataclass(frozen=True, slots=True)
class OidcCode:
    """The one-time code that a login at the provider ends with, and the verifier of who began it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    token_name: str = ""
