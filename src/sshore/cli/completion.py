"""What the arguments of commands can be, for the shell's completion: as the server says, if it answers at once."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from sshore.cli.local_user import LocalUser, expanded
from sshore.core.apps import CATALOGUE
from sshore.core.errors import SshoreError
from sshore.core.names import FOLDER_PREFIX, session_of_host

if TYPE_CHECKING:
    from sshore.sdk.client import Client

_COMPLETION_TIMEOUT_S = 1.0

Item = CompletionItem[Any]
Found = Iterable[str | Item]
Find = Callable[["Client", click.Context], Found]
Completion = Callable[[click.Context, click.Parameter, str], list[Item]]


def completing(find: Find) -> Completion:
    """A completion by what `find` asks of the server; nothing when that does not answer at once."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Item]:
        user = context.find_root().obj
        if not isinstance(user, LocalUser):
            return []
        try:
            with user.client(_COMPLETION_TIMEOUT_S) as client:
                found = [item if isinstance(item, CompletionItem) else Item(item) for item in find(client, context)]
        except SshoreError:
            return []
        return [item for item in found if item.value.startswith(incomplete)]

    return complete


def _sessions(client: "Client", _context: click.Context) -> Found:
    return [session.name for session in client.sessions()]


def _folders(client: "Client", _context: click.Context) -> Found:
    return [folder.ref or folder.name for folder in client.folders()]


def _apps(client: "Client", context: click.Context) -> Found:
    return [app.name for app in client.apps(session_of_host(context.params["name"]))]


def _targets(client: "Client", context: click.Context) -> Found:
    return [*_sessions(client, context), *(f"{FOLDER_PREFIX}{name}" for name in _folders(client, context))]


def first_word_only(complete: Completion) -> Completion:
    """The words after it are another program's."""
    return lambda context, parameter, incomplete: (
        [] if context.params.get(parameter.name or "") else complete(context, parameter, incomplete)
    )


complete_session = completing(_sessions)
complete_folder = completing(_folders)
complete_app = completing(_apps)
complete_target = completing(_targets)
"""A session, or ``folder:NAME``."""
complete_engine = completing(lambda client, _: client.version().engines)
complete_image = completing(lambda client, _: [image.ref for image in client.images().images if image.runs_here])
complete_group = completing(lambda client, _: [group.name for group in client.groups()])
complete_user = completing(lambda client, _: [user.name for user in client.users()])


def complete_known_app(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The apps that there are, for sessions that are yet to be made."""
    return [name for name in CATALOGUE if name.startswith(incomplete)]


def complete_file(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Item]:
    """A file here."""
    return [Item(name) for name in _local_files(incomplete)]


def complete_place(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Item]:
    """What `cp` copies: ``NAME:``, ``folder:NAME/`` and files here."""
    places = completing(_places)(context, parameter, incomplete)
    return [*places, *complete_file(context, parameter, incomplete)]


def _places(client: "Client", context: click.Context) -> Found:
    sessions = [f"{name}:" for name in _sessions(client, context)]
    return [*sessions, *(f"{FOLDER_PREFIX}{name}/" for name in _folders(client, context))]


def _local_files(incomplete: str) -> list[str]:
    directory, slash, base = incomplete.rpartition("/")
    found = []
    with suppress(OSError), os.scandir(expanded(directory + slash or ".")) as entries:
        for entry in entries:
            if entry.name.startswith(base) and (base or not entry.name.startswith(".")):
                found.append(f"{directory}{slash}{entry.name}{'/' if entry.is_dir() else ''}")
    return sorted(found)
