"""What `sshore cp` is told: places, its own options, and those that are ssh's."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from sshore.core.errors import InvalidInput

SYNOPSIS = "usage: sshore cp [-r] [--timeout SECONDS] [--json] SRC… DST, with NAME:PATH or folder:NAME/PATH on one side"
_TIMEOUT_S = 120.0
_LEAST_PATIENCE_S = 10.0
"""A login takes its time: with less nothing would ever begin."""
_OWN = "rpq"
"""As scp has them; times and modes (`-p`) are always kept."""
_SSH, SSH_VALUED = "46ACv", "cFiJo"


@dataclass
class Wanted:
    """The command line, read."""

    places: list[str] = field(default_factory=list)
    recursive: bool = False
    quiet: bool = False
    as_json: bool = False
    timeout_s: float = _TIMEOUT_S
    ssh_options: list[str] = field(default_factory=list)

    @property
    def patience_s(self) -> float:
        """How long one answer is waited for."""
        return max(self.timeout_s, _LEAST_PATIENCE_S)


def read_arguments(arguments: list[str]) -> Wanted:
    """Options may stand anywhere before ``--``, letters together, as with scp."""
    wanted = Wanted()
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            wanted.places += rest
        elif word == "--json":
            wanted.as_json = True
        elif word == "--timeout":
            wanted.timeout_s = _seconds(next(rest, ""))
        elif word.startswith("--timeout="):
            wanted.timeout_s = _seconds(word.partition("=")[2])
        elif word.startswith("-") and word != "-":
            _read_letters(wanted, word, rest)
        else:
            wanted.places.append(word)
    if len(wanted.places) < 2:
        raise InvalidInput(SYNOPSIS)
    return wanted


def _read_letters(wanted: Wanted, word: str, rest: Iterator[str]) -> None:
    for at, letter in enumerate(word[1:], start=2):
        if letter in _OWN:
            wanted.recursive |= letter == "r"
            wanted.quiet |= letter == "q"
        elif letter in _SSH:
            wanted.ssh_options.append(f"-{letter}")
        elif letter in SSH_VALUED:
            wanted.ssh_options += [f"-{letter}", word[at:] or next(rest, "")]
            return
        else:
            raise InvalidInput(f"unknown option {word}; {SYNOPSIS}")


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if (seconds := float(text)) >= 0:  # which "nan" is not
            return seconds
    raise InvalidInput(f"{text!r} is no number of seconds; {SYNOPSIS}")
