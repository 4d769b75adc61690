"""login, logout."""

import getpass
import platform
import sys
from contextlib import suppress

import click

from sshore.cli.connecting.ordinary import trust
from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser
from sshore.cli.oidc import log_in_by_browser
from sshore.cli.passwords import ask_password, password_stdin_option
from sshore.core.errors import InvalidInput
from sshore.core.users import FIRST_TOKEN
from sshore.schema.account_messages import CreateToken, LoginRequest, MeMessage
from sshore.sdk.address import parse_server_url, split_token_url
from sshore.sdk.client import Client
from sshore.sdk.credentials import (
    Credentials,
    Login,
    forget_login,
    read_credentials,
    store_login,
    write_credentials,
)
from sshore.sdk.errors import ApiError


@click.command()
@click.argument("url")
@click.option("--user", "name", default="", help="The user name.  [default: asked for]")
@click.option("--token", default="", help="An API token instead of a password; - reads it from stdin.")
@password_stdin_option
@click.option("--oidc", is_flag=True, help="At the server's OpenID Connect provider, with the browser.")
@click.option("--no-browser", is_flag=True, help="With --oidc: print the address, open no browser.")
@click.option("--keep-default", is_flag=True, help="Leave the default server as it is.")
@click.pass_obj
def login(
    user: LocalUser,
    url: str,
    name: str,
    token: str,
    password_stdin: bool,
    oidc: bool,
    no_browser: bool,
    keep_default: bool,
) -> None:
    """Log in to the server at URL, which becomes the default.

    With a user name and password, at the server's OpenID Connect provider, with an API token, or with a URL that
    holds one (http://HOST:PORT/#token=…).
    """
    place, from_url = split_token_url(url)
    secret = sys.stdin.readline().strip() if token == "-" else (token.strip() or from_url)
    if token and not secret:
        raise InvalidInput("the token is empty: sshore login URL --token TOKEN")
    if [bool(secret), bool(name or password_stdin), oidc].count(True) > 1:
        raise InvalidInput("log in with a token, with a user name and password, or with --oidc: not with both")
    _warn_of_plain_http(place)
    if oidc:
        secret = log_in_by_browser(parse_server_url(place), _token_name(), open_browser=not no_browser)
    wanted = Credentials().choose(place, secret or _token_for_password(place, name, password_stdin))
    with Client(wanted) as client:
        me = client.me()
        if me.token_name == FIRST_TOKEN:
            wanted = Login(wanted.address, _own_token(client, me))
        trust(user.config, client)
    store_login(user.config.credentials, wanted, default=not keep_default)
    print(f"logged in to {wanted.address.url} as {me.name}")


@click.command()
@click.argument("url", required=False, default="")
@click.pass_obj
def logout(user: LocalUser, url: str) -> None:
    """Revoke the token that is stored for the server at URL, and forget it.  [default: the default server]"""
    credentials = read_credentials(user.config.credentials)
    stored = credentials.choose(url)
    write_credentials(user.config.credentials, credentials)  # fails where a revoked token could not be forgotten
    with suppress(ApiError), Client(stored) as client:  # a token that holds no more needs no revoking
        client.log_out()
    forget_login(user.config.credentials, stored.address)
    print(f"logged out of {stored.address.url}")


def _token_for_password(url: str, name: str, password_stdin: bool) -> str:
    address = parse_server_url(url)
    if not name:
        if password_stdin or not sys.stdin.isatty():
            raise InvalidInput("say who you are: sshore login URL --user NAME --password-stdin, or --token TOKEN")
        name = click.prompt("User", default=getpass.getuser(), err=True)
    password = ask_password(f"Password of {name} at {address.url}", from_stdin=password_stdin)
    with Client(Login(address, "")) as client:
        made = client.log_in(LoginRequest(name, password, _token_name()))
    return made.secret or ""


def _own_token(client: Client, me: MeMessage) -> str:
    """A token of this machine's own, instead of one that ends in a day, and that others may have read."""
    made = client.create_token(CreateToken(_token_name()))
    if not me.has_password:
        say(f"to log in elsewhere once the first token has ended ({me.token_expires_at}): sshore user passwd")
    return made.secret or ""


def _token_name() -> str:
    return f"login from {platform.node()}"[:100]


def _warn_of_plain_http(url: str) -> None:
    address = parse_server_url(url)
    if not address.is_tls and not address.is_loopback:
        say("warning: this is http: everyone on the way can read passwords and tokens; use https")
