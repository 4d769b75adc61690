"""What reaches a person's terminal: one function, `harmless`, which every byte of text passes.

What a server answers, a session logs, a file is called or a person wrote into a name may hold orders to the terminal:
to rename its window, to answer as if the user had typed, to write over what was said before. They are taken out below
all that prints (`guard_streams`), so that nothing that prints has to think of it; rich's tables and bars, which give
orders of their own, are drawn by `console`. A pipe or a file gets what it always got, byte for byte.

`ssh` waits for what is imported here: nothing but `io` and `sys`, which Python has loaded.
"""

import io
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from rich.console import Console  # noqa: TID251

_UNKNOWN = "\ufffd"
_ORDERS = dict.fromkeys(
    (
        *(code for code in range(0x20) if code not in (0x09, 0x0A)),
        *range(0x7F, 0xA0),  # with the 8-bit forms of ESC [ and the like (ECMA-48 §5.3)
        *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F)),  # which change the direction of what stands around them
        *range(0x2066, 0x206A),
        *range(0xDC80, 0xDCA0),  # the same bytes in what is no text (PEP 383)
    ),
    _UNKNOWN,
) | {0x0D: "\n"}
"""Alone, a carriage return has the next words written over the last."""


def harmless(text: str) -> str:
    """The text without what would be an order to a terminal; colours are left out, the rest shows as ``\\ufffd``."""
    if text.isprintable():
        return text
    if "\x1b[" in text:
        text = _without_colours(text)
    return text.replace("\r\n", "\n").translate(_ORDERS)


def guard_streams() -> None:
    """Have all that is written as text to a terminal pass `harmless`, by whatever writes it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            setattr(sys, name, _Guarded(stream))


def console(*, stderr: bool = False) -> "Console":
    """Where rich draws. What it is given to draw passes `harmless`; what it says itself to the terminal does not."""
    from rich.console import Console  # noqa: TID251
    from rich.segment import Segment

    class Careful(Console):
        def render(self, renderable: "Any", options: "Any" = None) -> "Any":
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(harmless(segment.text), segment.style)

    stream = sys.stderr if stderr else sys.stdout
    return Careful(file=stream.unguarded if isinstance(stream, _Guarded) else stream)


class _Guarded(io.TextIOWrapper):
    """A terminal's text stream over the same buffer as the one that Python opened, which stays as it is."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        stream.flush()
        # Not by surrogateescape, as in the locale C: the bytes of a name that is no text may be orders, too.
        super().__init__(stream.buffer, encoding=stream.encoding, errors="backslashreplace", line_buffering=True)
        self.unguarded: TextIO = stream

    def write(self, text: str, /) -> int:
        super().write(harmless(text))
        return len(text)


def _without_colours(text: str) -> str:
    """Without SGR sequences (ECMA-48 §8.3.117), as compilers and test runners write them."""
    pieces = text.split("\x1b[")
    kept = [pieces[0]]
    for piece in pieces[1:]:
        rest = piece.lstrip("0123456789;:")
        kept.append(rest[1:] if rest[:1] == "m" else f"\x1b[{piece}")
    return "".join(kept)
