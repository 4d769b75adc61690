"""login, settings, user, token."""

import sys

import click

from sshore.cli.failures import say
from sshore.cli.openssh import trust
from sshore.cli.output import age, json_option, print_json, print_table
from sshore.cli.user import User
from sshore.core.errors import InvalidInput
from sshore.core.names import check_user_name
from sshore.core.users import Role
from sshore.schema.messages import CreateToken, CreateUser
from sshore.sdk.client import Client
from sshore.sdk.credentials import Credentials, store_login


@click.command()
@click.argument("url")
@click.option("--token", required=True, help="An API token; - reads it from stdin.")
@click.option("--keep-default", is_flag=True, help="Leave the default server as it is.")
@click.pass_obj
def login(user: User, url: str, token: str, keep_default: bool) -> None:
    """Log in to the server at URL, which becomes the default."""
    secret = sys.stdin.readline().strip() if token == "-" else token.strip()
    if not secret:
        raise InvalidInput("the token is empty: sshore login URL --token TOKEN")
    wanted = Credentials().choose(url, secret)
    if not wanted.address.is_tls and not wanted.address.is_loopback:
        say("warning: this is http: everyone on the way can read the token; use https")
    with Client(wanted) as client:
        me = client.me()
        trust(user.config, client)
    store_login(user.config.credentials, wanted, default=not keep_default)
    print(f"logged in to {wanted.address.url} as {me.name}")


@click.group()
def settings() -> None:
    """The user settings."""


@settings.command("ls")
@json_option
@click.pass_obj
def settings_ls(user: User, as_json: bool) -> None:
    """List the settings."""
    with user.client() as client:
        found = client.settings()
    if as_json:
        print_json(found)
        return
    rows = [[s.name, s.value or f"{s.default} (default)".strip(), s.title] for s in found]
    print_table(["SETTING", "VALUE", "MEANING"], rows, "this server has no settings")


@settings.command("get")
@click.argument("name", metavar="KEY")
@json_option
@click.pass_obj
def settings_get(user: User, name: str, as_json: bool) -> None:
    """Print the value of a setting."""
    with user.client() as client:
        found = client.setting(name)
    if as_json:
        print_json(found)
    else:
        print(found.value or found.default)


@settings.command("set")
@click.argument("name", metavar="KEY")
@click.argument("value")
@json_option
@click.pass_obj
def settings_set(user: User, name: str, value: str, as_json: bool) -> None:
    """Set a setting; an empty VALUE ("") resets it."""
    with user.client() as client:
        stored = client.set_setting(name, value)
    if stored.warning:
        say(f"warning: {stored.warning}")
    if as_json:
        print_json(stored)
    else:
        print(f"{stored.name} is {stored.value or stored.default or 'reset'}")


@click.group()
def user() -> None:
    """Users (for admins)."""


@user.command("ls")
@json_option
@click.pass_obj
def user_ls(who: User, as_json: bool) -> None:
    """List the users."""
    with who.client() as client:
        users = client.users()
    if as_json:
        print_json(users)
    else:
        print_table(["USER", "ROLE"], [[u.name, u.role] for u in users], "there are no users")


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([str(one) for one in Role]), default=str(Role.MEMBER), show_default=True)
@json_option
@click.pass_obj
def user_add(who: User, name: str, role: str, as_json: bool) -> None:
    """Add a user; a token for the user comes with `sshore token create --user NAME`."""
    with who.client() as client:
        added = client.create_user(CreateUser(check_user_name(name), Role(role)))
    if as_json:
        print_json(added)
    else:
        print(f"{added.name} is a user; a token to log in with: sshore token create --user {added.name}")


@click.group()
def token() -> None:
    """API tokens."""


@token.command("ls")
@json_option
@click.pass_obj
def token_ls(who: User, as_json: bool) -> None:
    """List your tokens; the secrets are not kept."""
    with who.client() as client:
        tokens = client.tokens()
    if as_json:
        print_json(tokens)
        return
    rows = [[t.id, t.name, age(t.created_at), t.expires_at or "never"] for t in tokens]
    print_table(["ID", "NAME", "AGE", "EXPIRES"], rows, "there are no tokens")


@token.command("create")
@click.option("--name", default="", help="What it is for.")
@click.option("--user", "for_user", default="", help="For another user (admins).")
@click.option("--expires-in", type=float, metavar="SECONDS", help="Without it, the token does not expire.")
@json_option
@click.pass_obj
def token_create(who: User, name: str, for_user: str, expires_in: float | None, as_json: bool) -> None:
    """Make a token. It is printed once, and only its hash is kept."""
    with who.client() as client:
        made = client.create_token(CreateToken(name, for_user, expires_in))
    if as_json:
        print_json(made)
    else:
        print(made.secret)


@token.command("rm")
@click.argument("token_id", metavar="ID")
@click.pass_obj
def token_rm(who: User, token_id: str) -> None:
    """Revoke a token."""
    with who.client() as client:
        client.remove_token(token_id)
    print(f"the token {token_id} is revoked")
