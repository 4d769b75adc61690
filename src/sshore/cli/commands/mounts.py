"""mount, unmount: folders of sessions, also of those that run."""

import click

from sshore.cli.arguments import session_argument
from sshore.cli.completion import complete_folder
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json
from sshore.core.folders import parse_mount
from sshore.core.states import SessionState
from sshore.schema.mount_messages import MountFolder
from sshore.schema.session_messages import SessionMessage

_at_restart_option = click.option(
    "--at-restart", is_flag=True, help="Leave the running session alone; it holds from its next start on."
)


@click.command()
@session_argument
@click.argument("folder", metavar="FOLDER[:PATH][:ro]", shell_complete=complete_folder)
@_at_restart_option
@json_option
@click.pass_obj
def mount(user: LocalUser, name: str, folder: str, at_restart: bool, as_json: bool) -> None:
    """Mount a storage folder in a session, at once where it runs, and at each start from now on.

    Without PATH it lies in the home under its own name. Where the server cannot change what a running session has
    mounted, it says so: --at-restart mounts it from the next start on.
    """
    wanted = parse_mount(folder)
    with user.client() as client:
        session = client.mount_folder(name, MountFolder(wanted.folder, wanted.target, wanted.read_only, at_restart))
    if as_json:
        print_json(session)
        return
    mounted = next(one for one in session.mounts if one.target == wanted.target)
    how = " for reading" if mounted.read_only else ""
    print(f"{wanted.folder} {_when(session, mounted.live)} at {wanted.target}{how} in {session.name}")


@click.command()
@session_argument
@click.argument("what", metavar="FOLDER|PATH")
@_at_restart_option
@json_option
@click.pass_obj
def unmount(user: LocalUser, name: str, what: str, at_restart: bool, as_json: bool) -> None:
    """Mount a storage folder in a session no longer, at once where it runs. What the folder holds stays.

    Programs that have files open there keep them until they close them; nobody finds the folder any more. Of a folder
    that somebody else shares with you they are ended.
    """
    with user.client() as client:
        left = client.unmount_folder(name, what, at_restart=at_restart)
    if as_json:
        print_json(left)
        return
    print(f"{what} is " + ("not mounted from the next start on" if at_restart else "no longer mounted"))
    if left.in_use:
        print("programs of the session still have files open there, and keep them until they close them or end")


def _when(session: SessionMessage, live: bool) -> str:
    if not live:
        return "will be mounted from the next start on"
    return "is mounted" if session.state is SessionState.RUNNING else "will be mounted when it starts"
