"""Allowances: how much of a server one user may have. The words for them, and which of several holds."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sshore.core.errors import InvalidInput
from sshore.core.names import format_bytes, format_duration, parse_bytes, parse_duration, suggestion
from sshore.core.sessions import MOST_PIDS

Limits = Mapping[str, float | None]
"""Some of an allowance's fields by name; None is without a limit."""

NONE, DEFAULT = "none", "default"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one user may have at most; None is without a limit.

    `sessions` are counted whether they run or not, `streams` while they are open; `cpus`, `memory_bytes` and `gpus` are
    what the running sessions may use together, `folder_bytes` what one's folders may hold together. `images` are
    those that the user has committed, `image_bytes` what has been written into them together, `pulls` run at once. The
    others hold for each session by itself, `home_bytes` for its home.
    """

    sessions: int | None = None
    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int | None = None
    streams: int | None = None
    pids: int | None = None
    links: int | None = None
    home_bytes: int | None = None
    folder_bytes: int | None = None
    ttl_s: float | None = None
    idle_timeout_s: float | None = None
    images: int | None = None
    image_bytes: int | None = None
    pulls: int | None = None


UNBOUNDED = Allowance()


@dataclass(frozen=True, slots=True)
class Word:
    """How people say one field of an allowance: ``memory=32g``."""

    name: str
    field: str
    title: str
    read: Callable[[str], float]
    show: Callable[[Any], str]
    least: float
    whole: bool = True


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no number") from None


def _plain(value: float) -> str:
    return f"{value:g}" if value < 1e6 else str(int(value))


WORDS: dict[str, Word] = {
    word.name: word
    for word in (
        Word("sessions", "sessions", "sessions, running or not", _number, _plain, 0),
        Word("cpus", "cpus", "CPUs of running sessions", _number, _plain, 0.04, whole=False),
        Word("memory", "memory_bytes", "memory of running sessions", parse_bytes, format_bytes, 32 << 20),
        Word("gpus", "gpus", "GPUs of running sessions", _number, _plain, 0),
        Word("streams", "streams", "open connections", _number, _plain, 0),
        Word("pids", "pids", "processes of each session", _number, _plain, 16),
        Word("links", "links", "connections that each session keeps ready", _number, _plain, 2),
        Word("home", "home_bytes", "what the home of each session holds", parse_bytes, format_bytes, 1 << 20),
        Word("folders", "folder_bytes", "what all folders hold, with the trash", parse_bytes, format_bytes, 0),
        Word("ttl", "ttl_s", "time that each session may run", parse_duration, format_duration, 1, whole=False),
        Word(
            "idle-timeout", "idle_timeout_s", "time that each session may be idle", parse_duration, format_duration, 1,
            whole=False,
        ),
        Word("images", "images", "committed images", _number, _plain, 0),
        Word("image-bytes", "image_bytes", "what commits have written, together", parse_bytes, format_bytes, 0),
        Word("pulls", "pulls", "pulls of images at once", _number, _plain, 1),
    )
}  # fmt: skip
FIELDS: dict[str, Word] = {word.field: word for word in WORDS.values()}
assert set(FIELDS) == {field.name for field in fields(Allowance)}


def parse_allowances(texts: Iterable[str]) -> tuple[dict[str, float | None], list[str]]:
    """Read ``cpus=8``, ``memory=32g``, ``gpus=none``; and the fields that are to be the server's default again.

    Raises:
        InvalidInput: one of them is none of these.
    """
    limits: dict[str, float | None] = {}
    defaults = []
    for text in texts:
        name, _, value = text.partition("=")
        if name not in WORDS:
            hint = suggestion(name, list(WORDS)) or f"; there are: {', '.join(WORDS)}"
            raise InvalidInput(f"there is no allowance {name!r}{hint}")
        word = WORDS[name]
        if not value:
            raise InvalidInput(f"say how much: {name}=…, {name}={NONE} for no limit, or {name}={DEFAULT}")
        if value == DEFAULT:
            defaults.append(word.field)
        else:
            limits[word.field] = None if value == NONE else _read(word, value)
    return check_limits(limits), defaults


def _read(word: Word, value: str) -> float:
    try:
        return word.read(value)
    except InvalidInput as error:
        raise InvalidInput(f"{word.name}={value}: {error.problem.detail}", field=word.field) from None


def check_limits(limits: Mapping[str, Any]) -> dict[str, float | None]:
    """Let limits pass that there are, as numbers that can be.

    Raises:
        InvalidInput: names the one that cannot.
    """
    return {field: _checked(field, value) for field, value in limits.items()}


def _checked(field: str, value: Any) -> float | None:
    if field not in FIELDS:
        raise InvalidInput(f"there is no allowance {field!r}; there are: {', '.join(FIELDS)}", field=field)
    if value is None:
        return None
    word = FIELDS[field]
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not word.least <= value < 1 << 62 or (word.whole and value != int(value)):
        given = f"{value:g}" if isinstance(value, float) else value
        raise InvalidInput(f"{word.name}={given} cannot be: give {_range(word)}", field=field)
    return int(value) if word.whole else float(value)


def _range(word: Word) -> str:
    kind = "a whole number " if word.whole and word.read is _number else "a number " if word.read is _number else ""
    return f"{kind}from {word.show(word.least)} up, none for no limit"


def allowance_of(*layers: Limits, maximum: Limits) -> Allowance:
    """What holds: of each field the first layer that has it (the user's own, a group's, the server's default), and
    never more than the maximum."""
    values = {}
    for field in FIELDS:
        chosen = next((layer[field] for layer in layers if field in layer), None)
        bounds = [bound for bound in (chosen, maximum.get(field)) if bound is not None]
        values[field] = min(bounds, default=None)
    return Allowance(**values)  # type: ignore[arg-type]


def most_of_groups(groups: Iterable[tuple[str, Limits]]) -> dict[str, tuple[str, float | None]]:
    """What a user's groups, by name, allow together: of each field the most, and the group that says it."""
    most: dict[str, tuple[str, float | None]] = {}
    for name, limits in groups:
        for field, value in limits.items():
            if field not in most or _size(value) > _size(most[field][1]):
                most[field] = name, value
    return most


def _size(value: float | None) -> float:
    return math.inf if value is None else value


@dataclass(frozen=True, slots=True)
class ServerAllowances:
    """What the server's administrator has set: `members` is the default of those who are no admins, `maximum` holds
    for everybody, whatever is allowed to one user."""

    members: Limits
    everybody: Limits
    maximum: Limits


MEMBERS: Limits = {
    "sessions": 50,
    "streams": 512,
    "pids": MOST_PIDS,
    "images": 20,
    "image_bytes": 50 << 30,
    "pulls": 2,
}
EVERYBODY: Limits = {"links": 16}
"""Of an agent that keeps eight parked, some may be on their way."""
_OF_ALL_DESCRIPTORS = 4
_OF_A_STREAM = 2


_OF_A_DISK = 4


def server_allowances(
    defaults: Limits, maximum: Limits, descriptors: int, disk_bytes: int | None = None
) -> ServerAllowances:
    """What holds without any configuration, changed by what was set; `descriptors` is how many files the server may
    open. A stream takes two: members have a quarter of all at most by default, and nobody more than half.

    `disk_bytes`: the disk's size, where the kernel holds what a home may take of it: a quarter for members.
    """
    homes = {} if disk_bytes is None else {"home_bytes": max(disk_bytes // _OF_A_DISK, 1 << 20)}
    streams = max(descriptors // _OF_A_STREAM // _OF_ALL_DESCRIPTORS, 1)
    members = {**MEMBERS, "streams": min(int(MEMBERS["streams"] or 0), streams), **homes, **defaults}
    most = allowance_of(maximum, maximum={"streams": 2 * streams})
    bounds = {field: getattr(most, field) for field in FIELDS if getattr(most, field) is not None}
    return ServerAllowances(members, EVERYBODY, bounds)
