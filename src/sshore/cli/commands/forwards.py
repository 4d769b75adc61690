"""connect, forwards, disconnect, proxy."""

import asyncio
import logging
import os
import sys
import time

import click

from sshore.cli.arguments import session_argument
from sshore.cli.failures import say, suggesting
from sshore.cli.output import json_option, print_json, print_pairs, print_table
from sshore.cli.user import User, own_command
from sshore.core.apps import SSH, check_app_name
from sshore.core.errors import Unavailable
from sshore.core.names import session_of_host
from sshore.core.settings import parse_port
from sshore.proxy.background import READY, connect_or_start
from sshore.proxy.client import LocalProxyClient, NotRunning
from sshore.proxy.client import connect as connect_to_proxy
from sshore.proxy.forwards import Card
from sshore.proxy.state_file import read_state
from sshore.sdk.errors import ApiError

_STOP_DEADLINE_S = 10.0


@click.command()
@session_argument
@click.option("--app", "app_name", default=SSH, show_default=True, help="The app to connect to.")
@click.option("--port", default="", help="The local port; by default your preferred one, or the one it had last.")
@json_option
@click.pass_obj
def connect(user: User, name: str, app_name: str, port: str, as_json: bool) -> None:
    """Launch SSH in a session, open a local port for it, and print the connection card.

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
def forwards(user: User, as_json: bool) -> None:
    """List the local ports and their health."""
    try:
        found = connect_to_proxy(user.config).forwards()
    except NotRunning as error:
        kept = len(read_state(user.config.forwards).forwards)
        if kept:
            raise Unavailable(f"{error.problem.detail} ({kept} forwards come back with it)") from error
        found = []
    if as_json:
        print_json(found)
        return
    rows = [[f.session, f.app, f"localhost:{f.port}", f.health, str(f.connections), f.detail] for f in found]
    columns = ["SESSION", "APP", "PORT", "HEALTH", "CONNECTIONS", "DETAIL"]
    print_table(columns, rows, "there are no forwards; open one with: sshore connect NAME")


@click.command()
@session_argument
@click.option("--app", "app_name", default="", help="Only this app's; all by default.")
@json_option
@click.pass_obj
def disconnect(user: User, name: str, app_name: str, as_json: bool) -> None:
    """Close a session's local ports and their connections. The session goes on."""
    closed = local_proxy(user).close_forwards(session_of_host(name), app_name)
    if as_json:
        print_json(closed)
    else:
        for forward in closed:
            print(f"localhost:{forward.port} to {forward.session} is closed")


@click.group(invoke_without_command=True)
@click.option("--detached", is_flag=True, hidden=True)
@click.pass_context
def proxy(context: click.Context, detached: bool) -> None:
    """The local proxy, which holds the local ports; `sshore connect` starts it by itself.

    Without a subcommand it runs in the foreground, until Ctrl-C.
    """
    if context.invoked_subcommand is None:
        _run_in_foreground(context.obj, detached)


@proxy.command()
@click.pass_obj
def start(user: User) -> None:
    """Start it in the background; nothing is done when it runs."""
    status = local_proxy(user).status()
    print(f"the local proxy runs (process {status['pid']}), with {status['forwards']} forwards")


@proxy.command()
@click.pass_obj
def stop(user: User) -> None:
    """Stop it. The forwards come back when it is started again."""
    try:
        connect_to_proxy(user.config).stop()
    except NotRunning:
        print("the local proxy does not run")
        return
    deadline = time.monotonic() + _STOP_DEADLINE_S
    while user.config.proxy_address.exists():
        if time.monotonic() > deadline:
            raise Unavailable(f"the local proxy has not stopped yet; its log is {user.config.proxy_log}")
        time.sleep(0.02)
    print("the local proxy is stopped; its forwards come back with: sshore proxy start")


@proxy.command("status")
@json_option
@click.pass_obj
def status_(user: User, as_json: bool) -> None:
    """Show whether it runs (exit status 5: it does not)."""
    status = connect_to_proxy(user.config).status()
    if as_json:
        print_json(status)
    else:
        where = "" if status["host"] == "proxy" else f" inside `sshore {status['host']}`"
        print_pairs(
            [
                ("local proxy", f"runs{where}"),
                ("process", str(status["pid"])),
                ("version", status["version"]),
                ("forwards", str(status["forwards"])),
                ("log", str(user.config.proxy_log)),
            ]
        )


def open_forward(user: User, local: LocalProxyClient, ref: str, app_name: str, port: int | None) -> Card:
    """Have a forward opened; where the session is not found, say which there are."""
    try:
        return local.open(user.login(), ref, app_name, port)
    except ApiError:
        with user.client() as client, suggesting(client, ref):
            raise


def print_card(card: Card) -> None:
    """The connection card for people."""
    print_pairs(
        [
            ("session", card.session),
            ("URL", card.url),
            ("user", card.user),
            ("host", card.host),
            ("port", str(card.port)),
            ("private key", card.key_file),
            ("host key", card.host_key_fingerprint),
            ("ssh", card.command),
            ("sftp", card.sftp_command),
        ]
    )


def local_proxy(user: User) -> LocalProxyClient:
    """The local proxy; it is started where it does not run."""
    return connect_or_start(user.config, [*own_command(), "proxy", "--detached"])


def _run_in_foreground(user: User, detached: bool) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(user, detached))


def _loop_factory() -> "type[asyncio.AbstractEventLoop] | None":
    try:  # twice as fast where it is installed; it is not everywhere
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


async def _serve(user: User, detached: bool) -> None:
    from sshore.cli.signals import stop_signals
    from sshore.proxy.local_proxy import run_local_proxy

    async with run_local_proxy(user.config) as local:
        with stop_signals(local.stop_asked):
            if detached:
                _report_ready()
            else:
                print(f"the local proxy runs, with {len(local.engine.forwards())} forwards; Ctrl-C ends it")
            await local.stop_asked.wait()


def _report_ready() -> None:
    """Tell the process that waits, then let go of its pipe."""
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    os.dup2(2, 1)
