"""token."""

import click

from sshore.cli.completion import Found, Item, completing
from sshore.cli.local_user import LocalUser
from sshore.cli.output import age, json_option, print_json, print_table
from sshore.core.choices import Scope
from sshore.schema.account_messages import CreateToken
from sshore.sdk.client import Client

_of_user = click.option("--user", "of_user", default="", help="Another user's (admins).")


@click.group()
def token() -> None:
    """API tokens."""


@token.command("ls")
@_of_user
@json_option
@click.pass_obj
def token_ls(who: LocalUser, of_user: str, as_json: bool) -> None:
    """List your tokens; the secrets are not kept."""
    with who.client() as client:
        tokens = client.tokens(of_user)
    if as_json:
        print_json(tokens)
        return
    rows = [[t.id, t.name, t.scope, age(t.created_at), t.expires_at or "never", _ago(t.last_used_at)] for t in tokens]
    print_table(["ID", "NAME", "SCOPE", "AGE", "EXPIRES", "LAST USE"], rows, "there are no tokens")


@token.command("create")
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scope",
    type=click.Choice([str(one) for one in Scope]),
    default=str(Scope.ALL),
    show_default=True,
    help="streams: connect to what is launched, nothing else; read: look, change nothing.",
)
@click.option("--user", "for_user", default="", help="For another user (admins).")
@click.option("--expires-in", type=float, metavar="SECONDS", help="Without it, the token does not expire.")
@json_option
@click.pass_obj
def token_create(who: LocalUser, name: str, scope: str, for_user: str, expires_in: float | None, as_json: bool) -> None:
    """Make a token. It is printed once, and only its hash is kept."""
    with who.client() as client:
        made = client.create_token(CreateToken(name, for_user, expires_in, Scope(scope)))
    if as_json:
        print_json(made)
    else:
        print(made.secret)


def _ids(client: Client, _context: click.Context) -> Found:
    return [Item(token.id, help=token.name) for token in client.tokens()]


@token.command("rm")
@click.argument("token_id", metavar="ID", shell_complete=completing(_ids))
@_of_user
@click.pass_obj
def token_rm(who: LocalUser, token_id: str, of_user: str) -> None:
    """Revoke a token at once: connections that were made with it end."""
    with who.client() as client:
        client.remove_token(token_id, of_user)
    print(f"the token {token_id} is revoked")


def _ago(time: str | None) -> str:
    return f"{age(time)} ago" if time else "never"
