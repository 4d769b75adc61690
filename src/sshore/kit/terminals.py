"""The terminals that every session knows (terminfo(5)): of this machine's database what is wanted, the rest by tic."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sshore.core import layout

PLACE = Path(layout.TERMINFO).name
SOURCE = Path(__file__).with_name("terminals.ti")
OWN = (
    *("alacritty", "contour", "foot", "ghostty", "kitty", "rio", "warp", "wezterm"),
    *("xterm-ghostty", "xterm-kitty", "xterm-rio"),
)
"""What `SOURCE` describes, where this machine has nothing better."""
WANTED = (
    *OWN,
    *("alacritty-direct", "ansi", "cygwin", "dumb", "eterm-color", "foot-direct", "gnome-256color", "iterm2"),
    *("kitty-direct", "konsole-256color", "linux", "mintty", "mlterm-256color", "ms-terminal", "nsterm"),
    *("nsterm-256color", "putty", "putty-256color", "rxvt", "rxvt-unicode", "rxvt-unicode-256color", "screen"),
    *("screen-256color", "screen.xterm-256color", "st", "st-256color", "tmux", "tmux-256color", "tmux-direct"),
    *("vscode", "vt100", "vt102", "vt220", "vte", "vte-256color", "xterm", "xterm-16color", "xterm-256color"),
    *("xterm-color", "xterm-direct"),
)
_NAMESAKES = {"xterm-ghostty": "ghostty", "xterm-kitty": "kitty", "xterm-rio": "rio"}
"""What a terminal calls itself, and how ncurses calls it: no distribution has the first name of Ghostty."""


@dataclass(frozen=True, slots=True)
class Terminals:
    """Compiled entries by their place in the kit, and the names that are to be compiled from `SOURCE`."""

    entries: dict[str, Path]
    to_compile: tuple[str, ...]


NO_TERMINALS = Terminals({}, ())


def find_terminals(databases: Iterable[str] = layout.TERMINFO_DIRS) -> Terminals:
    """What this machine has. A terminal that neither it nor `SOURCE` knows is left out: nobody needs all of them."""
    places = [Path(database) for database in databases]
    found = {name: entry for name in WANTED if (entry := _find(name, places))}
    # Without tic(1), and what its source builds upon, the kit holds what there is.
    able = shutil.which("tic") and "xterm-256color" in found
    entries = {f"{PLACE}/{name[0]}/{name}": entry for name, entry in found.items()}
    return Terminals(entries, tuple(name for name in OWN if name not in found) if able else ())


def compile_terminals(names: Iterable[str], kit: Path) -> None:
    """Compile entries of `SOURCE` into a kit; one that tic(1) refuses is left out."""
    wanted = ",".join(names)
    if wanted:
        line = ["tic", "-x", "-o", str(kit / PLACE), "-e", wanted, str(SOURCE)]
        subprocess.run(line, capture_output=True, check=False, timeout=30)


def _find(name: str, databases: list[Path]) -> Path | None:
    for alias in filter(None, (name, _NAMESAKES.get(name))):
        for database in databases:
            entry = database / alias[0] / alias
            if entry.is_file():
                return entry
    return None
