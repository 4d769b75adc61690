"""up, server. What belongs to the server is loaded late: it is installed on Linux only."""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import click

from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser
from sshore.core.errors import InvalidInput, Unavailable
from sshore.core.settings import parse_port
from sshore.sdk.private_files import write_private

_state_option = click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="The state directory.")
_port_option = click.option("--port", default="", help="The server's port.  [default: 8022]")


@click.command()
@click.option("--port", default="", help="The server's port; by default the one it had last, or 8022.")
@_state_option
@click.option("--no-browser", is_flag=True, help="Do not open the console in the browser.")
@click.option("--demo", is_flag=True, help="With a session `demo`, its SSH launched and its card printed.")
@click.option("-v", "--verbose", is_flag=True, help="Show the server's log.")
@click.pass_obj
def up(user: LocalUser, port: str, state: Path | None, no_browser: bool, demo: bool, verbose: bool) -> None:
    """Run server and local proxy here, and log in. Ctrl-C ends them; the sessions go on."""
    # Whoever starts it here is its administrator, and has the host's network anyway.
    settings = _settings(port, {"SSHORE_HOST_NETWORK": "admins"}, state_dir=state)
    from sshore.cli.up import run_up, with_last_port

    if not port and not os.environ.get("SSHORE_PORT"):
        settings = with_last_port(settings)
    _run(run_up(user, settings, demo=demo), logging.INFO if verbose else logging.WARNING)


@click.command()
@click.option("--host", default=None, help="The address to listen on.  [default: 127.0.0.1]")
@_port_option
@_state_option
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a new admin token there, which lives a day.",
)
@click.option("--first-token", is_flag=True, help="Print an admin token for a day, where nobody can log in.")
def server(host: str | None, port: str, state: Path | None, token_file: Path | None, first_token: bool) -> None:
    """Run the server alone. SIGTERM or Ctrl-C ends it; the sessions go on.

    To log in for the first time: sshore server --token-file FILE, and sshore login URL --token - < FILE
    """
    settings = _settings(port, {}, state_dir=state, host=host)
    from sshore.server.run import Ready, run_server

    async def write_token(ready: Ready) -> None:
        if first_token and await ready.is_new():
            print(f"The first admin's token: {await ready.mint_first_token()}", flush=True)
        if token_file is None:
            return
        try:
            write_private(token_file, await ready.mint_first_token() + "\n")
        except Unavailable as error:  # a full disk: sessions that run can be reached all the same
            say(f"warning: {token_file} was not written: {error.problem.detail}")

    _run(run_server(settings, write_token), logging.INFO)


def _settings(port: str, unless_set: dict[str, str], **overrides: Any) -> Any:
    if sys.platform != "linux":
        raise InvalidInput("the server runs on Linux; log in to one from here with: sshore login URL")
    from sshore.server.settings import Settings

    return Settings.from_environment({**unless_set, **os.environ}, port=parse_port(port) if port else None, **overrides)


def _run(program: Coroutine[Any, Any, None], log_level: int) -> None:
    import uvloop

    from sshore.server.logs import start_logging

    start_logging(log_level)
    with asyncio.Runner(loop_factory=uvloop.Loop) as runner:
        runner.run(program)
