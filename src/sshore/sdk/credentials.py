"""Tokens by server, and which server is the default: `credentials.json` in the user's config directory."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from sshore.core.errors import InvalidInput, Unauthenticated
from sshore.sdk.address import ServerAddress, parse_server_url
from sshore.sdk.private_files import write_private


@dataclass(frozen=True, slots=True)
class Login:
    """A server and the token that speaks for the user there."""

    address: ServerAddress
    token: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is stored: `tokens` by the server's URL."""

    default: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    def with_login(self, login: Login, *, default: bool = True) -> "Credentials":
        """These credentials and one more, or another token for a server already known."""
        url = login.address.url
        keeps_default = not default and self.default
        return replace(self, default=self.default if keeps_default else url, tokens={**self.tokens, url: login.token})

    def without(self, address: ServerAddress) -> "Credentials":
        """These credentials without those for a server."""
        tokens = {url: token for url, token in self.tokens.items() if url != address.url}
        return replace(self, default="" if self.default == address.url else self.default, tokens=tokens)

    def choose(self, server: str = "", token: str = "") -> Login:
        """The login to use: what the caller was told (by the environment), completed from what is stored.

        Raises:
            InvalidInput: the token cannot be one.
            Unauthenticated: no server is known, or no token for it; says how to log in.
        """
        if not server and not self.default:
            raise Unauthenticated("you are not logged in: run sshore login URL, or start a server: sshore up")
        address = parse_server_url(server or self.default)
        known = token or self.tokens.get(address.url, "")
        if not known:
            raise Unauthenticated(f"you are not logged in to {address.url}: sshore login {address.url}")
        if not known.isascii() or not known.isprintable() or " " in known:
            raise InvalidInput("the API token has blanks or other characters that no token has: copy it again")
        return Login(address, known)


def read_credentials(path: Path) -> Credentials:
    """Read the file; an absent one means that no one has logged in yet.

    Raises:
        InvalidInput: it is damaged; says how to go on.
    """
    try:
        document = json.loads(path.read_bytes())
        return Credentials(str(document["default"]), {str(url): str(t) for url, t in document["tokens"].items()})
    except FileNotFoundError:
        return Credentials()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput(f"{path} is damaged: remove it and log in again with sshore login") from None


def write_credentials(path: Path, credentials: Credentials) -> None:
    """Store them, readable by the user only."""
    document = {"default": credentials.default, "tokens": credentials.tokens}
    write_private(path, json.dumps(document, indent=2) + "\n", durable=True)


def store_login(path: Path, login: Login, *, default: bool = True) -> None:
    """Add a login to the file; it becomes the default."""
    write_credentials(path, read_credentials(path).with_login(login, default=default))


def forget_login(path: Path, address: ServerAddress) -> None:
    """Take a server's login off the file."""
    write_credentials(path, read_credentials(path).without(address))
