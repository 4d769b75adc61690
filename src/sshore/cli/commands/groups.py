"""group."""

import click

from sshore.cli.allowances import complete_allowance, limits_phrase, print_limits
from sshore.cli.completion import complete_group, complete_user
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json, print_table
from sshore.core.allowances import parse_allowances
from sshore.core.errors import InvalidInput
from sshore.core.names import check_group_name
from sshore.schema.account_messages import ChangeAllowance


@click.group()
def group() -> None:
    """Groups of users, and what their members may have at most (for admins)."""


@group.command("ls")
@json_option
@click.pass_obj
def group_ls(who: LocalUser, as_json: bool) -> None:
    """List the groups."""
    with who.client() as client:
        groups = client.groups()
    if as_json:
        print_json(groups)
    else:
        rows = [[one.name, ", ".join(one.members), limits_phrase(one.limits)] for one in groups]
        print_table(["GROUP", "MEMBERS", "ALLOWANCES"], rows, "there are no groups; make one: sshore group create NAME")


@group.command("create")
@click.argument("name")
@json_option
@click.pass_obj
def group_create(who: LocalUser, name: str, as_json: bool) -> None:
    """Make a group, without members."""
    with who.client() as client:
        made = client.create_group(check_group_name(name))
    if as_json:
        print_json(made)
    else:
        print(
            f"{made.name} is a group; go on with: sshore group join {made.name} USER..., sshore group allow {made.name}"
        )


@group.command("join")
@click.argument("name", metavar="GROUP", shell_complete=complete_group)
@click.argument("users", metavar="USER...", nargs=-1, required=True, shell_complete=complete_user)
@click.pass_obj
def group_join(who: LocalUser, name: str, users: tuple[str, ...]) -> None:
    """Make users members of a group. One may be in several: of what they allow, the most holds."""
    with who.client() as client:
        for user in users:
            client.join_group(name, user)
            print(f"{user} is a member of {name}")


@group.command("leave")
@click.argument("name", metavar="GROUP", shell_complete=complete_group)
@click.argument("users", metavar="USER...", nargs=-1, required=True, shell_complete=complete_user)
@click.pass_obj
def group_leave(who: LocalUser, name: str, users: tuple[str, ...]) -> None:
    """Make users members no more."""
    with who.client() as client:
        for user in users:
            client.leave_group(name, user)
            print(f"{user} is no member of {name} any more")


@group.command("allow", short_help="Say or show what each member may have at most.")
@click.argument("name", metavar="GROUP", shell_complete=complete_group)
@click.argument("limits", metavar="[ALLOWANCE=VALUE]...", nargs=-1, shell_complete=complete_allowance)
@click.option("--reset", is_flag=True, help="The group says nothing any more.")
@json_option
@click.pass_obj
def group_allow(who: LocalUser, name: str, limits: tuple[str, ...], reset: bool, as_json: bool) -> None:
    """Say what each member of a group may have at most, such as: sessions=5 cpus=8 home=20g.

    As `sshore user allow`; what a user has been allowed by that comes before what groups say. VALUE may be none, for no
    limit, or default: then the group says nothing of it. Without any, show what the group allows.
    """
    changed, defaults = parse_allowances(limits)
    if reset and limits:
        raise InvalidInput("either --reset, or what to allow")
    with who.client() as client:
        if reset:
            found = client.reset_group_allowance(name)
        elif limits:
            found = client.change_group_allowance(name, ChangeAllowance(changed, defaults))
        else:
            found = client.group(name)
    print_json(found) if as_json else print_limits(found.limits)


@group.command("rm")
@click.argument("name", metavar="GROUP", shell_complete=complete_group)
@click.pass_obj
def group_rm(who: LocalUser, name: str) -> None:
    """Remove a group. Its members stay, and what it allowed them holds no more."""
    with who.client() as client:
        client.remove_group(name)
    print(f"the group {name} is removed")
