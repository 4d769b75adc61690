"""Limits of each process (getrlimit(2)), as `--ulimit nofile=4096:8192` names them."""

from dataclasses import dataclass

from sshore.core.errors import InvalidInput
from sshore.core.names import suggestion

UNLIMITED = -1
NAMES = ("core", "cpu", "data", "fsize", "memlock", "msgqueue", "nofile", "nproc", "sigpending", "stack")
"""Those that a session may choose. Not nice, rtprio and rttime: they let programs take the CPU from other people's."""

_NEEDED = {"nofile": 64, "nproc": 16, "fsize": 1 << 20, "data": 64 << 20, "stack": 256 << 10, "cpu": 60}
"""What the session's own programs cannot do without."""


@dataclass(frozen=True, slots=True)
class Ulimit:
    """A limit of each process: `soft` holds at first, and programs may raise it up to `hard`. `UNLIMITED`: no limit."""

    name: str
    soft: int
    hard: int

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            hint = suggestion(self.name, list(NAMES)) or f"; there are: {', '.join(NAMES)}"
            raise InvalidInput(f"there is no ulimit {self.name!r} to choose{hint}", field="ulimits")
        if min(self.soft, self.hard) < UNLIMITED or max(self.soft, self.hard) >= 1 << 63:
            raise InvalidInput(f"the ulimit {self} cannot be: give numbers, or unlimited", field="ulimits")
        needed = _NEEDED.get(self.name, 0)
        if UNLIMITED < self.soft < needed:
            raise InvalidInput(f"the ulimit {self} leaves SSH too little: give {needed} or more", field="ulimits")
        if self.hard != UNLIMITED and (self.soft > self.hard or self.soft == UNLIMITED):
            raise InvalidInput(f"the ulimit {self} cannot be: the first number is above the second", field="ulimits")

    def __str__(self) -> str:
        return f"{self.name}={_text(self.soft)}:{_text(self.hard)}"


def parse_ulimit(text: str) -> Ulimit:
    """Read ``NAME=SOFT[:HARD]``; without HARD it is SOFT.

    Raises:
        InvalidInput: it is none.
    """
    name, equals, numbers = text.partition("=")
    soft, colon, hard = numbers.partition(":")
    if not equals:
        raise InvalidInput(f"{text!r} is no ulimit: give NAME=SOFT[:HARD], such as nofile=4096:8192", field="ulimits")
    return Ulimit(name.strip(), _number(text, soft), _number(text, hard if colon else soft))


def _number(text: str, word: str) -> int:
    word = word.strip()
    if word == "unlimited":
        return UNLIMITED
    if not (word.isascii() and word.isdigit()):
        raise InvalidInput(f"{text!r} is no ulimit: {word!r} is neither a number nor unlimited", field="ulimits")
    return int(word)


def _text(number: int) -> str:
    return "unlimited" if number == UNLIMITED else str(number)
