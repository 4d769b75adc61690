"""user."""

import click

from sshore.cli.allowances import complete_allowance, print_allowance
from sshore.cli.completion import complete_user
from sshore.cli.local_user import LocalUser
from sshore.cli.output import count, json_option, print_json, print_table
from sshore.cli.passwords import ask_password, password_stdin_option
from sshore.core.allowances import parse_allowances
from sshore.core.choices import Role
from sshore.core.errors import InvalidInput
from sshore.core.names import check_user_name
from sshore.schema.account_messages import ChangeAllowance, ChangeUser, CreateUser, SetPassword, UserMessage
from sshore.sdk.client import Client

_ROLES = click.Choice([str(one) for one in Role])


@click.group()
def user() -> None:
    """Users (for admins; passwd is for everybody)."""


@user.command("ls")
@json_option
@click.pass_obj
def user_ls(who: LocalUser, as_json: bool) -> None:
    """List the users."""
    with who.client() as client:
        users = client.users()
    if as_json:
        print_json(users)
    else:
        rows = [[u.name, u.role, _state(u), "yes" if u.has_password else "no"] for u in users]
        print_table(["USER", "ROLE", "STATE", "PASSWORD"], rows, "there are no users")


@user.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=str(Role.MEMBER), show_default=True)
@password_stdin_option
@json_option
@click.pass_obj
def user_add(who: LocalUser, name: str, role: str, password_stdin: bool, as_json: bool) -> None:
    """Add a user, who logs in with a password or with a token of `sshore token create --user NAME`."""
    password = ask_password("", from_stdin=True) if password_stdin else ""
    with who.client() as client:
        added = client.create_user(CreateUser(check_user_name(name), Role(role)))
        if password:
            client.set_password(added.name, SetPassword(password))
    if as_json:
        print_json(added)
    elif password:
        print(f"{added.name} is a user, and logs in with: sshore login {client.login.address.url} --user {added.name}")
    else:
        print(f"{added.name} is a user; to log in: sshore user passwd {name}, or sshore token create --user {name}")


@user.command("passwd")
@click.argument("name", default="", shell_complete=complete_user)
@password_stdin_option
@click.option(
    "--revoke-tokens/--keep-tokens",
    default=None,
    help="Log the user out everywhere, but for where this is called; or not.  [default: asked for]",
)
@click.pass_obj
def user_passwd(who: LocalUser, name: str, password_stdin: bool, revoke_tokens: bool | None) -> None:
    """Set your password or, as admin, the user NAME's.

    With --password-stdin, the last line is the new password; the one before it, where you change a password of your
    own, the current one.
    """
    with who.client() as client:
        me = client.me()
        name = name or me.name
        current = ""
        if name == me.name and me.has_password:
            current = ask_password("Current password", from_stdin=password_stdin)
        password = ask_password(f"New password of {name}", from_stdin=password_stdin, twice=True)
        if revoke_tokens is None:
            revoke_tokens = not password_stdin and _wants_revoked(client, me, name)
        client.set_password(name, SetPassword(password, current, revoke_tokens))
    print(f"the password of {name} is set" + (", and the tokens from before are revoked" if revoke_tokens else ""))


@user.command("role")
@click.argument("name", shell_complete=complete_user)
@click.argument("role", type=_ROLES)
@click.pass_obj
def user_role(who: LocalUser, name: str, role: str) -> None:
    """Make a user an admin or a member."""
    with who.client() as client:
        changed = client.change_user(name, ChangeUser(role=Role(role)))
    print(f"{changed.name} is {changed.role}")


@user.command("allow", short_help="Say or show what a user may have at most.")
@click.argument("name", shell_complete=complete_user)
@click.argument("limits", metavar="[ALLOWANCE=VALUE]...", nargs=-1, shell_complete=complete_allowance)
@click.option("--reset", is_flag=True, help="The server's defaults hold again.")
@json_option
@click.pass_obj
def user_allow(who: LocalUser, name: str, limits: tuple[str, ...], reset: bool, as_json: bool) -> None:
    """Say what a user may have at most, such as: sessions=5 cpus=8 memory=32g.

    ALLOWANCE is one of sessions, cpus, memory, gpus (of all running sessions together), streams (open connections),
    folders (what all folders hold), images, image-bytes (what is committed), pulls (at once), pids, links, home, ttl,
    idle-timeout (of each session). VALUE may be none, for no limit, or default. Without any, show what holds. What runs
    already goes on.
    """
    changed, defaults = parse_allowances(limits)
    if reset and limits:
        raise InvalidInput("either --reset, or what to allow")
    with who.client() as client:
        if reset:
            found = client.reset_allowance(name)
        elif limits:
            found = client.change_allowance(name, ChangeAllowance(changed, defaults))
        else:
            found = client.allowance(name)
    print_json(found) if as_json else print_allowance(found)


@user.command("link")
@click.argument("name", shell_complete=complete_user)
@click.argument("subject")
@click.pass_obj
def user_link(who: LocalUser, name: str, subject: str) -> None:
    """Say who a user is at the OpenID Connect provider: SUBJECT as a refused login shows it; "" for nobody."""
    with who.client() as client:
        linked = client.link_user(name, subject)
    print(f"{linked.name} is {linked.oidc_subject}" if linked.oidc_subject else f"{linked.name} is nobody there")


@user.command("disable")
@click.argument("name", shell_complete=complete_user)
@click.pass_obj
def user_disable(who: LocalUser, name: str) -> None:
    """Refuse a user's logins and tokens, and end the user's connections. Sessions and folders stay."""
    with who.client() as client:
        client.change_user(name, ChangeUser(disabled=True))
    print(f"{name} is disabled; the user's sessions go on. Undo it with: sshore user enable {name}")


@user.command("enable")
@click.argument("name", shell_complete=complete_user)
@click.pass_obj
def user_enable(who: LocalUser, name: str) -> None:
    """Let a disabled user in again; the tokens hold again, too."""
    with who.client() as client:
        client.change_user(name, ChangeUser(disabled=False))
    print(f"{name} is enabled")


@user.command("rm")
@click.argument("name", shell_complete=complete_user)
@click.option("--with-data", is_flag=True, help="The user's folders, too.")
@click.pass_obj
def user_rm(who: LocalUser, name: str, with_data: bool) -> None:
    """Remove a user, with tokens and sessions. Refused while the user has folders, unless --with-data."""
    with who.client(timeout_s=300) as client:
        client.remove_user(name, with_data=with_data)
    print(f"{name} is removed")


def _wants_revoked(client: Client, me: UserMessage, name: str) -> bool:
    others = len(client.tokens(name)) - (name == me.name)
    if not others:
        return False
    whose = "you have" if name == me.name else f"{name} has"
    return click.confirm(f"Revoke the {count(others, 'other token')} that {whose}, which ends their logins?", err=True)


def _state(user: UserMessage) -> str:
    return "disabled" if user.disabled else "enabled"
