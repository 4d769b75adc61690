"""Tables and colours on terminals, plain text and JSON elsewhere. Rich is loaded only where it shows."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from sshore.cli.terminal import console, harmless
from sshore.core.errors import NotFound
from sshore.sdk.private_files import write_private

if TYPE_CHECKING:
    from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_STYLES = {
    **dict.fromkeys(("running", "ok", "yes"), "green"),
    **dict.fromkeys(("pending", "starting", "stopping", "app_not_launched", "server_unreachable"), "yellow"),
    **dict.fromkeys(("failed", "refused", "session_gone", "port_taken", "session_not_running"), "red"),
}


def print_json(value: Any) -> None:
    """A message, a list of them, or plain JSON values. What stdout's encoding has not is escaped in JSON's way, and so
    are the bytes of a name that are no text."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # by what stands for it on stdout it would be no JSON
        text = json.dumps(_plain(value), indent=2)
    print(text)


def write_output(path: Path, content: str) -> None:
    """Write a file that the user has named, for the user's eyes only. No directory is made: it might be a slip.

    Raises:
        NotFound: there is no such directory.
    """
    if not path.parent.is_dir():
        raise NotFound(f"there is no directory {path.parent}: make it first, or name another file with -o")
    write_private(path, content)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> None:
    """A table; `empty` is said on stderr when there are no rows, and tells what to do."""
    listed = [list(row) for row in rows]
    if not listed:
        print(empty, file=sys.stderr)
    elif sys.stdout.isatty():
        console().print(rich_table(columns, listed))
    else:
        _print_plain([list(columns), *listed])


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values, one pair a line; pairs without a value are left out."""
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        print(f"{name:<{width}}  {value}")


def count(number: int, thing: str) -> str:
    """``1 forward``, ``2 forwards``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def age(time: str | None) -> str:
    """How long ago a time (ISO 8601) was, in one unit: ``3m``, ``2h``."""
    if not time:
        return ""
    seconds = max((datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds(), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"


class Progress(Protocol):
    def __call__(self, text: str, /) -> None:
        """Say what is being waited for; the same text is not said twice."""


@contextmanager
def progress(text: str) -> Iterator[Progress]:
    """A spinner on a terminal; elsewhere a line on stderr for each change."""
    if sys.stderr.isatty():
        from rich.text import Text

        # As Text: a reason may hold brackets, which are no markup.
        with console(stderr=True).status(Text(text)) as status:
            yield lambda new: status.update(Text(new))
        return
    said = {text}

    def say_once(new: str) -> None:
        if new not in said:
            said.add(new)
            print(new, file=sys.stderr)

    yield say_once


def rich_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    """A table for terminals."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table
    from rich.text import Text

    # Folded, because of an address or a name that is cut off nobody can make use.
    folded = [Column(name, overflow="fold") for name in columns]
    table = Table(*folded, box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(harmless(cell), style=_STYLES.get(cell, "")) for cell in row))
    return table


def _print_plain(rows: list[list[str]]) -> None:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
