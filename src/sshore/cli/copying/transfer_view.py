"""How a transfer shows: a bar with rate and time left on a terminal, a line for each file elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sshore.cli.failures import say
from sshore.core.names import format_bytes
from sshore.sdk.sftp.transfer import Transferred, Watcher


class Quiet:
    """Says only what a user must know."""

    def __init__(self) -> None:
        self._said = ""

    def moved(self, size: int) -> None:
        self._said = self._said if size <= 0 else ""

    def waiting(self, reason: str) -> None:
        """Once for each loss, not for each attempt."""
        if reason != self._said:
            say(f"{reason}; trying again")
        self._said = reason


@contextmanager
def watching(title: str, total_bytes: int, *, quiet: bool) -> Iterator[Watcher]:
    """A watcher of one file's transfer."""
    if quiet or not total_bytes or not sys.stderr.isatty():  # a bar of nothing would stay at 0 %
        yield Quiet()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.text import Text

    columns = (TextColumn("{task.fields[name]}", markup=False), BarColumn(), TaskProgressColumn(), DownloadColumn(True))
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=total_bytes, name=title)

        class Bar:
            def moved(self, size: int) -> None:
                progress.advance(task, size)

            def waiting(self, reason: str) -> None:
                progress.console.print(Text(f"sshore: {reason}; trying again"))

        yield Bar()


def describe(done: Transferred) -> str:
    """One file that has arrived, as a line."""
    sent = "" if done.moved_bytes == done.bytes else f", {format_bytes(done.moved_bytes)} of them now"
    compared = "" if done.compared == "sha256" else ", compared by its size only"
    return f"{done.target}: {format_bytes(done.bytes)}{sent}, sha256 {done.sha256}{compared}"
