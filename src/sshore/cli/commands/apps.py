"""app ls, app start, app stop."""

import click

from sshore.cli.arguments import app_argument, session_argument
from sshore.cli.failures import suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json, print_table
from sshore.core.apps import check_app_name
from sshore.core.names import session_of_host


@click.group()
def app() -> None:
    """List, start and stop the apps of a session. The app `ssh` is SSH and SFTP."""


@app.command()
@session_argument
@json_option
@click.pass_obj
def ls(user: LocalUser, name: str, as_json: bool) -> None:
    """List the apps of a session."""
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        apps = client.apps(ref)
    if as_json:
        print_json(apps)
        return
    rows = [[a.name, a.title, "yes" if a.launched else "no", str(a.connections)] for a in apps]
    print_table(["APP", "TITLE", "LAUNCHED", "CONNECTIONS"], rows, "this session has no apps")


@app.command()
@session_argument
@app_argument
@json_option
@click.pass_obj
def start(user: LocalUser, name: str, app_name: str, as_json: bool) -> None:
    """Launch an app."""
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        launched = client.start_app(ref, check_app_name(app_name))
    if as_json:
        print_json(launched)
    else:
        print(f"{launched.title} is launched in {ref}")


@app.command()
@session_argument
@app_argument
@json_option
@click.pass_obj
def stop(user: LocalUser, name: str, app_name: str, as_json: bool) -> None:
    """Stop an app; its connections end."""
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        stopped = client.stop_app(ref, check_app_name(app_name))
    if as_json:
        print_json(stopped)
    else:
        print(f"{stopped.title} is stopped in {ref}")
