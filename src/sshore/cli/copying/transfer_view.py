"""How a transfer shows: a bar with rate and time left on a terminal, a line for each file elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sshore.cli.failures import say
from sshore.cli.terminal import console
from sshore.core.names import format_bytes
from sshore.sdk.sftp.names import shown
from sshore.sdk.sftp.transfer import Transferred, Watcher


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What no copy is made of, and why."""

    source: str
    reason: str


class Remarks:
    """What a user should know about the files of one run. What holds for many is said once."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    def is_new(self, remark: str) -> bool:
        is_new = remark not in self._made
        self._made.add(remark)
        return is_new


class Quiet:
    """Says only what a user must know."""

    def __init__(self, remarks: Remarks) -> None:
        self._remarks = remarks
        self._said = ""

    def moved(self, size: int) -> None:
        self._said = self._said if size <= 0 else ""

    def waiting(self, reason: str) -> None:
        """Once for each loss, not for each attempt."""
        if reason != self._said:
            say(f"{reason}; trying again")
        self._said = reason

    def told(self, what: str) -> None:
        if self._remarks.is_new(what):
            say(what)


@contextmanager
def watching(title: str, total_bytes: int, remarks: Remarks, *, quiet: bool) -> Iterator[Watcher]:
    """A watcher of one file's transfer."""
    if quiet or not total_bytes or not sys.stderr.isatty():  # a bar of nothing would stay at 0 %
        yield Quiet(remarks)
        return
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
    with Progress(*columns, TransferSpeedColumn(), TimeRemainingColumn(), console=console(stderr=True)) as progress:
        task = progress.add_task("", total=total_bytes, name=shown(title))

        class Bar:
            def moved(self, size: int) -> None:
                progress.advance(task, size)

            def waiting(self, reason: str) -> None:
                progress.console.print(Text(f"sshore: {reason}; trying again"))

            def told(self, what: str) -> None:
                if remarks.is_new(what):
                    progress.console.print(Text(f"sshore: {what}"))

        yield Bar()


def describe(done: Transferred) -> str:
    """One file that has arrived, as a line."""
    sent = "" if done.moved_bytes == done.bytes else f", {format_bytes(done.moved_bytes)} of them now"
    compared = {"size": ", compared by its size only", "nothing": ", not compared"}.get(done.compared, "")
    return f"{shown(done.target)}: {format_bytes(done.bytes)}{sent}, sha256 {done.sha256}{compared}"


def describe_left_out(count: int) -> str:
    return f"{count} left out: special files, and links that lead nowhere or in a circle, are not copied"
