"""folder ls, create, offer, rename, rm, share, unshare, usage, quota; trash.py has folder trash."""

import click

from sshore.cli.arguments import folder_argument
from sshore.cli.commands.trash import gone_at, trash
from sshore.cli.completion import complete_user
from sshore.cli.local_user import LocalUser
from sshore.cli.output import age, count, json_option, print_json, print_pairs, print_table
from sshore.core.errors import InvalidInput
from sshore.core.names import check_folder_name, format_bytes, parse_bytes
from sshore.schema.folder_messages import FolderMessage, FolderUsageMessage, OfferFolder, ShareFolder


@click.group()
def folder() -> None:
    """Storage folders: they outlive sessions.

    Mount one with `sshore run NAME --mount FOLDER`, or reach it without any session: `sshore cp FILE folder:FOLDER/`,
    `sshore sftp folder:FOLDER`. A folder whose name starts with a dot, such as .ssh, is in the home of every session
    of yours. What others share with you is called OWNER/FOLDER.
    """


folder.add_command(trash)


@folder.command()
@json_option
@click.pass_obj
def ls(user: LocalUser, as_json: bool) -> None:
    """List your folders, and those that others share with you."""
    with user.client() as client:
        folders = client.folders()
    if as_json:
        print_json(folders)
        return
    rows = [[f.ref or f.name, age(f.created_at), "read" if f.read_only else "read, write", _shared(f)] for f in folders]
    columns = ["FOLDER", "AGE", "ACCESS", "SHARED WITH"]
    print_table(columns, rows, "there are no folders yet; make one with: sshore folder create data")


@folder.command()
@click.argument("name")
@json_option
@click.pass_obj
def create(user: LocalUser, name: str, as_json: bool) -> None:
    """Make a folder."""
    with user.client() as client:
        made = client.create_folder(check_folder_name(name))
    if as_json:
        print_json(made)
    else:
        print(f"the folder {made.name} is there")


@folder.command()
@click.argument("name")
@click.argument("path")
@click.option("--ro", "read_only", is_flag=True, help="Nobody writes there, whatever its modes allow.")
@json_option
@click.pass_obj
def offer(user: LocalUser, name: str, path: str, read_only: bool, as_json: bool) -> None:
    """Offer a directory of the server's machine to everyone, as a folder (admins).

    What users may do there, the directory's owners and modes say: a server that is root runs each user's sessions
    under a uid of its own, which is `others` to them.
    """
    with user.client() as client:
        made = client.offer_folder(OfferFolder(check_folder_name(name), path, read_only))
    if as_json:
        print_json(made)
    else:
        print(f"{path} is on offer as {made.owner}/{made.name}")


@folder.command()
@folder_argument
@click.argument("new_name")
@json_option
@click.pass_obj
def rename(user: LocalUser, name: str, new_name: str, as_json: bool) -> None:
    """Give a folder another name. Sessions that mount it have it where they had it."""
    with user.client() as client:
        renamed = client.rename_folder(name, check_folder_name(new_name))
    if as_json:
        print_json(renamed)
    else:
        print(f"the folder {name} is called {renamed.name} now")


@folder.command()
@folder_argument
@click.option("--for-ever", is_flag=True, help="Remove it at once, without the trash.")
@click.option("--force", is_flag=True, help="Also where running sessions of yours have it mounted: they lose it.")
@click.pass_obj
def rm(user: LocalUser, name: str, for_ever: bool, force: bool) -> None:
    """Move a folder to the trash; it can be had back for some days."""
    with user.client() as client:
        before = {trashed.id for trashed in client.trash()}
        if for_ever:
            client.remove_folder_for_ever(name, force=force)
        else:
            client.remove_folder(name, force=force)
        # None of an offered directory, which is no longer on offer, and stays where it is.
        added = [trashed for trashed in client.trash() if trashed.id not in before and trashed.name == name]
    back = f"; until {gone_at(added[0])} UTC you can have it back: sshore folder trash restore {name}" if added else ""
    print(f"the folder {name} is removed{back}")


@folder.command()
@folder_argument
@click.option("--with", "with_user", default="", metavar="USER", help="The user to share with.")
@click.option("--everyone", is_flag=True, help="Share with every user of the server.")
@click.option("--rw", "writable", is_flag=True, help="They may write, too; what anybody writes all can change.")
@click.pass_obj
def share(user: LocalUser, name: str, with_user: str, everyone: bool, writable: bool) -> None:
    """Share a folder, for reading only unless --rw says otherwise. They call it OWNER/NAME."""
    _check_whom(with_user, everyone)
    with user.client() as client:
        client.share_folder(name, ShareFolder(with_user, read_only=not writable))
        owner = client.me().name
    print(f"{with_user or 'everyone'} can {'read and write' if writable else 'read'} {owner}/{name}")


@folder.command()
@folder_argument
@click.option("--with", "with_user", default="", metavar="USER", help="The user that it was shared with.")
@click.option("--everyone", is_flag=True, help="It was shared with everyone.")
@click.pass_obj
def unshare(user: LocalUser, name: str, with_user: str, everyone: bool) -> None:
    """Share a folder no longer. Connections to it end, and running sessions lose it, at once."""
    _check_whom(with_user, everyone)
    with user.client() as client:
        done = client.unshare_folder(name, with_user)
    lost = f"; it was taken away from {count(done.sessions, 'running session')} of theirs" if done.sessions else ""
    stopped = f", {done.stopped} of which had to be stopped" if done.stopped else ""
    print(f"the folder {name} is no longer shared with {with_user or 'everyone'}{lost}{stopped}")


@folder.command()
@click.option("--user", "of_user", default="", help="Another user's (admins).")
@json_option
@click.pass_obj
def usage(user: LocalUser, of_user: str, as_json: bool) -> None:
    """Show what your folders and your trash hold, and how much they may."""
    with user.client() as client:
        found = client.folder_usage(of_user)
    print_json(found) if as_json else _print_usage(found)


@folder.command()
@click.argument("name", metavar="USER", shell_complete=complete_user)
@click.argument("size", metavar="SIZE|none")
@json_option
@click.pass_obj
def quota(user: LocalUser, name: str, size: str, as_json: bool) -> None:
    """Limit what a user's folders hold in all, such as 100g (admins).

    On a disk with project quotas (ext4, xfs) and with a server that is root the kernel holds it, in sessions, too.
    Elsewhere it holds for uploads to folders, and what is over it is not mounted for writing; sessions that have a
    folder mounted already can write on.
    """
    with user.client() as client:
        found = client.set_folder_quota(name, None if size == "none" else parse_bytes(size))
    print_json(found) if as_json else _print_usage(found)


def _shared(folder: FolderMessage) -> str:
    shares = [f"{s.user or 'everyone'}{'' if s.read_only else ' (rw)'}" for s in folder.shared_with]
    return ", ".join(shares) + (f" from {folder.offered_path}" if folder.offered_path else "")


def _check_whom(with_user: str, everyone: bool) -> None:
    if bool(with_user) is everyone:
        raise InvalidInput("say with whom: --with USER, or --everyone")


def _print_usage(usage: FolderUsageMessage) -> None:
    limit = "none" if usage.quota_bytes is None else format_bytes(usage.quota_bytes)
    print_pairs([("owner", usage.owner), ("used", format_bytes(usage.used_bytes)), ("quota", limit)])
    if usage.quota_bytes is not None:
        held = f"for uploads to folders alone, not in sessions that have one mounted: {usage.not_held}"
        print_pairs([("it holds", held if usage.not_held else "for whoever writes, by the kernel")])
