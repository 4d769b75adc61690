"""folder trash ls, restore, empty."""

from datetime import datetime

import click

from sshore.cli.completion import completing
from sshore.cli.local_user import LocalUser
from sshore.cli.output import age, count, json_option, print_json, print_table
from sshore.schema.folder_messages import TrashedFolderMessage

_complete = completing(lambda client, _: [folder.name for folder in client.trash()])


@click.group()
def trash() -> None:
    """Removed folders, which can be had back for some days."""


@trash.command()
@json_option
@click.pass_obj
def ls(user: LocalUser, as_json: bool) -> None:
    """List removed folders, and when they will be gone."""
    with user.client() as client:
        found = client.trash()
    if as_json:
        print_json(found)
        return
    rows = [[t.id, t.name, f"{age(t.trashed_at)} ago", gone_at(t)] for t in found]
    print_table(["ID", "FOLDER", "REMOVED", "GONE AT (UTC)"], rows, "the trash is empty")
    if found:
        print(f"Removed folders are kept for {_kept(found[0])} on this server.")


@trash.command()
@click.argument("ref", metavar="NAME|ID", shell_complete=_complete)
@click.option("--as", "name", default="", metavar="NAME", help="Under another name.")
@json_option
@click.pass_obj
def restore(user: LocalUser, ref: str, name: str, as_json: bool) -> None:
    """Bring back a folder: the latest of that name, or the one of that id."""
    with user.client() as client:
        restored = client.restore_folder(ref, name)
    if as_json:
        print_json(restored)
    else:
        print(f"the folder {restored.name} is back")


@trash.command()
@click.argument("ref", metavar="[NAME|ID]", default="", shell_complete=_complete)
@json_option
@click.pass_obj
def empty(user: LocalUser, ref: str, as_json: bool) -> None:
    """Remove for ever what is in the trash, or of it one folder."""
    with user.client() as client:
        emptied = client.empty_trash(ref)
    if as_json:
        print_json(emptied)
    else:
        print(f"{count(emptied.removed, 'folder')} removed for ever")


def gone_at(trashed: TrashedFolderMessage) -> str:
    """Until when it can be had back, in UTC."""
    return trashed.removed_at[:16].replace("T", " ")


def _kept(trashed: TrashedFolderMessage) -> str:
    span = datetime.fromisoformat(trashed.removed_at) - datetime.fromisoformat(trashed.trashed_at)
    days = round(span.total_seconds() / 86400, 1)
    return f"{days:g} {'day' if days == 1 else 'days'}"
