"""connect, forwards, disconnect."""

import click

from sshore.cli.arguments import target_argument
from sshore.cli.completion import complete_app
from sshore.cli.failures import say, suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import count, json_option, print_json, print_pairs, print_table
from sshore.cli.own_command import own_command
from sshore.core.apps import SSH, check_app_name
from sshore.core.errors import Unavailable
from sshore.core.names import FOLDER_PREFIX, session_of_host
from sshore.core.settings import parse_port
from sshore.proxy.background import connect_or_start
from sshore.proxy.client import LocalProxyClient, NotRunning
from sshore.proxy.client import connect as connect_to_proxy
from sshore.proxy.forwards import Card, ForwardStatus
from sshore.proxy.state_file import read_state
from sshore.sdk.errors import ApiError


@click.command()
@target_argument
@click.option(
    "--app", "app_name", default=SSH, show_default=True, shell_complete=complete_app, help="The app to connect to."
)
@click.option("--port", default="", help="The local port; by default your preferred one, or the one it had last.")
@json_option
@click.pass_obj
def connect(user: LocalUser, name: str, app_name: str, port: str, as_json: bool) -> None:
    """Launch SSH in a session, or take a folder, open a local port for it, and print the connection card.

    The port stays open, whatever restarts, until `sshore disconnect`.
    """
    wanted = parse_port(port) if port else None
    card = open_forward(user, local_proxy(user), session_of_host(name), check_app_name(app_name), wanted)
    for note in card.notes:
        say(note)
    if as_json:
        print_json(card)
    else:
        print_card(card)


@click.command()
@json_option
@click.pass_obj
def forwards(user: LocalUser, as_json: bool) -> None:
    """List the local ports and their health."""
    try:
        found = connect_to_proxy(user.config).forwards()
    except NotRunning as error:
        kept = len(read_state(user.config.forwards).forwards)
        if kept:
            raise Unavailable(f"{error.problem.detail} (it brings back {count(kept, 'forward')})") from error
        found = []
    if as_json:
        print_json(found)
        return
    rows = [[f.session, f.app, f"localhost:{f.port}", _health(f), str(f.connections), f.detail] for f in found]
    columns = ["NAME", "APP", "PORT", "HEALTH", "CONNECTIONS", "DETAIL"]
    print_table(columns, rows, "there are no forwards; open one with: sshore connect NAME")


@click.command()
@target_argument
@click.option("--app", "app_name", default="", shell_complete=complete_app, help="Only this app's; all by default.")
@json_option
@click.pass_obj
def disconnect(user: LocalUser, name: str, app_name: str, as_json: bool) -> None:
    """Close the local ports of a session or folder, and their connections. The session goes on."""
    closed = local_proxy(user).close_forwards(session_of_host(name), app_name)
    if as_json:
        print_json(closed)
    else:
        for forward in closed:
            print(f"localhost:{forward.port} to {forward.session} is closed")


def _health(forward: ForwardStatus) -> str:
    """As JSON has it, but for folders, which are no sessions."""
    return forward.health.replace("session", "folder") if forward.session.startswith(FOLDER_PREFIX) else forward.health


def open_forward(user: LocalUser, local: LocalProxyClient, ref: str, app_name: str, port: int | None) -> Card:
    """Have a forward opened; where the session is not found, say which there are."""
    try:
        return local.open(user.login(), ref, app_name, port)
    except ApiError:
        with user.client() as client, suggesting(client, ref):
            raise


def print_card(card: Card, *more: tuple[str, str]) -> None:
    """The connection card for people, and further lines to go with it."""
    print_pairs(
        [
            ("folder" if card.session.startswith(FOLDER_PREFIX) else "session", card.session),
            ("URL", card.url),
            ("user", card.user),
            ("host", card.host),
            ("port", str(card.port)),
            ("private key", card.key_file),
            ("host key", card.host_key_fingerprint),
            *_further_keys(card),
            ("old host key", card.forget_command),
            ("ssh", card.command if card.command != card.sftp_command else ""),
            ("sftp", card.sftp_command),
            *more,
        ]
    )


def _further_keys(card: Card) -> list[tuple[str, str]]:
    names = {"ecdsa-sha2-nistp256": "ECDSA", "ssh-rsa": "RSA"}
    further = list(card.host_key_fingerprints.items())[1:]
    return [("", f"{fingerprint} ({names.get(key_type, key_type)})") for key_type, fingerprint in further]


def local_proxy(user: LocalUser) -> LocalProxyClient:
    """The local proxy; it is started where it does not run."""
    return connect_or_start(user.config, [*own_command(), "proxy", "--detached"])
