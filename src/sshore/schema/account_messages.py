"""Users, passwords, tokens, settings."""

from dataclasses import dataclass, field

from sshore.core.choices import Role, Scope


@dataclass(frozen=True, slots=True)
class UserMessage:
    name: str
    role: Role
    settings: dict[str, str] = field(default_factory=dict)
    disabled: bool = False
    has_password: bool = False
    oidc_subject: str = ""


@dataclass(frozen=True, slots=True)
class MeMessage(UserMessage):
    """Who asks, and by which token."""

    token_name: str = ""
    token_expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class CreateUser:
    name: str
    role: Role = Role.MEMBER


@dataclass(frozen=True, slots=True)
class ChangeUser:
    """What is None stays as it is."""

    role: Role | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class ShareMessage:
    """One line of an allowance: `limit` is its name, `name` the word for it. `most` is None without a limit; `used` is
    None where the limit holds for each session, or it takes too long to count. `by` are the sessions or images that use
    it. `own`: it is the user's own, `group`: that group's; else it is the server's default."""

    limit: str
    name: str
    title: str
    most: float | None = None
    used: float | None = None
    by: list[str] = field(default_factory=list)
    own: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True)
class AllowanceMessage:
    """What a user may have at most, and what of it is used."""

    user: str
    shares: list[ShareMessage]


@dataclass(frozen=True, slots=True)
class ChangeAllowance:
    """New limits by their names, None for no limit; those in `defaults` are the server's default again."""

    limits: dict[str, float | None] = field(default_factory=dict)
    defaults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """A group of users, and what each of them may have: limits by their names, None for no limit."""

    name: str
    members: list[str]
    limits: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateGroup:
    name: str


@dataclass(frozen=True, slots=True)
class LinkUser:
    """Who the user is at the OpenID Connect provider (issuer, ``#``, subject); empty: nobody."""

    oidc_subject: str


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """A user name and password, to be exchanged for a token of the given name."""

    user: str
    password: str = field(repr=False)
    token_name: str = ""


@dataclass(frozen=True, slots=True)
class SetPassword:
    """A new password; `current` is needed where users change one that they have. `revoke_tokens`: the user's API
    tokens end, but for the one that this is asked with."""

    password: str = field(repr=False)
    current: str = field(default="", repr=False)
    revoke_tokens: bool = False


@dataclass(frozen=True, slots=True)
class OidcCode:
    """The one-time code that a login at the provider ends with, and the verifier of who began it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)
    token_name: str = ""


@dataclass(frozen=True, slots=True)
class CreateToken:
    """A token for `user` (admins only; empty means the caller); without `expires_in_s` it does not expire."""

    name: str = ""
    user: str = ""
    expires_in_s: float | None = None
    scope: Scope = Scope.ALL


@dataclass(frozen=True, slots=True)
class TokenMessage:
    """A token; `secret` is given once, when it is made."""

    id: str
    name: str
    created_at: str
    expires_at: str | None = None
    secret: str | None = None
    scope: Scope = Scope.ALL
    last_used_at: str | None = None


@dataclass(frozen=True, slots=True)
class SettingMessage:
    """A user setting; `value` is empty where the default holds. `warning` is said when it was set."""

    name: str
    title: str
    value: str
    default: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class SetSetting:
    value: str
