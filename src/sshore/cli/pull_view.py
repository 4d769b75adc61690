"""How waiting shows: on a terminal a spinner, and a bar while an image is pulled; elsewhere a line for each change."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sshore.cli.terminal import console
from sshore.core.names import format_bytes
from sshore.schema.session_messages import PullMessage


class PullView(Protocol):
    def __call__(self, text: str, pull: PullMessage | None = None, /) -> None:
        """Say what is being waited for and, where it is a pull, how far it is."""


@contextmanager
def pull_view(text: str, *, is_news: bool = False) -> Iterator[PullView]:
    """A view that begins with a text; `is_news`: the user does not know it yet."""
    if not sys.stderr.isatty():
        yield Lines("" if is_news else text)
        return
    with _on_terminal(text) as show:
        yield show


@contextmanager
def _on_terminal(text: str) -> Iterator[PullView]:
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.text import Text

    class BarOfPulls(ProgressColumn):
        """What is no pull has no measure."""

        _bar = BarColumn(bar_width=30)

        def render(self, task: Task) -> Any:
            return self._bar.render(task) if task.fields["amount"] else Text("")

    # Without markup: a reason may hold brackets.
    what, size = (TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[amount]"))
    with Progress(SpinnerColumn(), what, BarOfPulls(), size, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=None, amount="")

        def show(new: str, pull: PullMessage | None = None) -> None:
            if pull is None:
                progress.update(task, description=new, amount="")
                return
            done, total = pull.done_bytes, pull.total_bytes or None
            what = f"pulls {pull.image}"
            progress.update(task, description=what, completed=done, total=total, amount=amount(pull))

        yield show


class Lines:
    """For logs and pipes: each text once, but for the first, which the user knows; and of a pull each tenth of its
    bytes and each layer that is done."""

    def __init__(self, first: str) -> None:
        self._said = {first}
        self._reached = (-1, -1)

    def __call__(self, text: str, pull: PullMessage | None = None, /) -> None:
        if pull is not None and not self._is_news(pull):
            return
        if text not in self._said:
            self._said.add(text)
            print(text, file=sys.stderr, flush=True)

    def _is_news(self, pull: PullMessage) -> bool:
        tenths = 10 * pull.done_bytes // pull.total_bytes if pull.total_bytes else 0
        before, self._reached = self._reached, (tenths, pull.layers_done)
        return before != self._reached


def amount(pull: PullMessage) -> str:
    """Bytes and layers, as far as they are known: ``12 MiB of 60 MiB, 2 of 5 layers``."""
    size = f"{format_bytes(pull.done_bytes)} of {format_bytes(pull.total_bytes)}" if pull.total_bytes else ""
    layers = f"{pull.layers_done} of {pull.layers} layers" if pull.layers else ""
    return ", ".join(part for part in (size, layers) if part)
