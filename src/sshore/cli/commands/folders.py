"""folder ls, folder create, folder rm."""

import click

from sshore.cli.output import age, json_option, print_json, print_table
from sshore.cli.user import User
from sshore.core.names import check_folder_name


@click.group()
def folder() -> None:
    """Storage folders: they outlive sessions.

    Mount one with `sshore run NAME --mount FOLDER`. A folder whose name starts with a dot, such as .ssh,
    is in the home of every session of yours.
    """


@folder.command()
@json_option
@click.pass_obj
def ls(user: User, as_json: bool) -> None:
    """List your folders."""
    with user.client() as client:
        folders = client.folders()
    if as_json:
        print_json(folders)
        return
    rows = [[f.name, age(f.created_at)] for f in folders]
    print_table(["FOLDER", "AGE"], rows, "there are no folders yet; make one with: sshore folder create data")


@folder.command()
@click.argument("name")
@json_option
@click.pass_obj
def create(user: User, name: str, as_json: bool) -> None:
    """Make a folder."""
    with user.client() as client:
        made = client.create_folder(check_folder_name(name))
    if as_json:
        print_json(made)
    else:
        print(f"the folder {made.name} is there")


@folder.command()
@click.argument("name")
@click.pass_obj
def rm(user: User, name: str) -> None:
    """Remove a folder and what is in it."""
    with user.client() as client:
        client.remove_folder(name)
    print(f"the folder {name} is removed")
