"""top."""

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from sshore.cli.completion import complete_session
from sshore.cli.live_use import HISTORY_POINTS, columns, points_for, rows
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json, print_table, rich_table
from sshore.cli.terminal import console
from sshore.core.errors import NotFound
from sshore.schema.live_use_messages import LiveUseMessage
from sshore.sdk.client import Client

if TYPE_CHECKING:
    from rich.console import RenderableType

_REFRESH_S = 2.0
"""More often than the server looks, so that what is shown is hardly older than what it knows."""
_EMPTY = "no session runs; make one with: sshore run demo, or see what there is: sshore ls"
_ENDING = "Ctrl-C ends this. Disk and network: bytes a second. A bar of the histories: 5 s, the newest on the right."


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_session)
@click.option("--all", "everyone", is_flag=True, help="The sessions of all users (admins).")
@click.option("--once", is_flag=True, help="Print it once; so it is anyway where stdout is no terminal, or a dumb one.")
@json_option
@click.pass_obj
def top(user: LocalUser, names: tuple[str, ...], everyone: bool, once: bool, as_json: bool) -> None:
    """Show what running sessions use: CPUs, memory, GPUs, disk and network, and what they used before.

    Without names: all that run. See docs/top.md for what is counted.
    """
    with user.client() as client:
        if as_json:
            print_json(_ask(client, names, everyone=everyone))
        elif once or not sys.stdout.isatty() or console().is_dumb_terminal:
            found = _ask(client, names, everyone=everyone, points=HISTORY_POINTS)
            print_table(*_table(found, everyone=everyone), _EMPTY)
        else:
            with suppress(KeyboardInterrupt):  # the way to end it
                _show_live(client, names, everyone=everyone)


def _show_live(client: Client, names: Sequence[str], *, everyone: bool) -> None:
    """Until interrupted, on the terminal's other screen, which leaves what was there before."""
    from rich.live import Live

    def drawn() -> "RenderableType":
        return _drawn(_ask(client, names, everyone=everyone, points=HISTORY_POINTS), everyone=everyone)

    with Live(drawn(), console=console(), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(_REFRESH_S)
            live.update(drawn(), refresh=True)


def _drawn(found: Sequence[LiveUseMessage], *, everyone: bool) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    if not found:
        return Group(Text(_EMPTY), Text(_ENDING, style="dim"))
    table = rich_table(*_table(found, everyone=everyone))
    return Group(table, Text(""), Text(_ENDING, style="dim"))


def _table(found: Sequence[LiveUseMessage], *, everyone: bool) -> tuple[list[str], list[list[str]]]:
    """Its columns and its rows."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    encoding = sys.stdout.encoding or "utf-8"
    points = points_for(width)
    return columns(found, everyone=everyone, points=points), rows(
        found, everyone=everyone, points=points, encoding=encoding
    )


def _ask(client: Client, names: Sequence[str], *, everyone: bool, points: int | None = None) -> list[LiveUseMessage]:
    """Those with these names or ids; all where none is given.

    Raises:
        NotFound: none that runs has one of them.
    """
    found = client.live_use(everyone=everyone, points=points)
    for name in names:
        if not any(name in (session.id, session.name) for session in found):
            raise NotFound(f"no session {name!r} runs; see what there is: sshore ls")
    return [session for session in found if not names or session.name in names or session.id in names]
