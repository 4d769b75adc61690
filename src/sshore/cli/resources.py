"""What a session may use, as options of ``sshore run`` and as lines of ``sshore show``."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sshore.core.names import format_bytes, parse_bytes
from sshore.schema.session_messages import (
    HomeMessage,
    MemoryKillsMessage,
    ResourcesMessage,
    SessionMessage,
    UlimitMessage,
)

if TYPE_CHECKING:
    from sshore.core.sessions import Resources

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--cpus", type=float, help="CPUs, for example 0.5 or 2."),
    click.option("--memory", default="", help="Memory, for example 512m or 4g."),
    click.option("--pids", type=int, help="Number of processes."),
    click.option("--gpus", type=int, default=0, help="Number of GPUs."),
    click.option("--shm", default="", help="Shared memory (/dev/shm), for example 2g; it counts as memory."),
    click.option("--disk", default="", help="Room for what is written beside home and folders, for example 10g."),
    click.option("--ulimit", multiple=True, metavar="NAME=SOFT[:HARD]", help="Such as nofile=4096:8192; repeatable."),
)


def resource_options(command: F) -> F:
    """Options for limits; the command gets them as one argument, `resources`, checked."""

    @wraps(command)
    def with_resources(
        *arguments: Any,
        cpus: float | None,
        memory: str,
        pids: int | None,
        gpus: int,
        shm: str,
        disk: str,
        ulimit: tuple[str, ...],
        **others: Any,
    ) -> Any:
        from sshore.core.sessions import Resources
        from sshore.core.ulimits import parse_ulimit

        limits = tuple(map(parse_ulimit, ulimit))
        wanted = Resources(cpus, _bytes(memory), pids, gpus, _bytes(shm), _bytes(disk), limits)
        return command(*arguments, resources=_message(wanted), **others)

    decorated: Any = with_resources
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def resource_pairs(session: SessionMessage) -> list[tuple[str, str]]:
    """Lines of ``sshore show``."""
    resources = session.resources
    return [
        ("cpus", f"{resources.cpus:g}" if resources.cpus is not None else ""),
        ("memory", _size(resources.memory_bytes)),
        ("memory used up", memory_kills(session)),
        ("processes", str(resources.pids or "")),
        ("gpus", str(resources.gpus or "")),
        ("shared memory", _size(resources.shm_bytes)),
        ("disk", _size(resources.disk_bytes)),
        ("ulimits", ", ".join(map(_ulimit, resources.ulimits))),
        ("home", _home(session.home)),
    ]


def memory_kills(session: SessionMessage) -> str:
    """Such as ``2 times, the last at 2026-11-24T12:00:00Z: python3 was ended (the limit is 512 MiB)``."""
    kills: MemoryKillsMessage | None = session.memory_kills
    if kills is None:
        return ""
    limit = session.resources.memory_bytes
    times = "once" if kills.count == 1 else f"{kills.count} times"
    at = f", {'at' if kills.count == 1 else 'the last at'} {kills.at}" if kills.at else ""
    # The name is the program's own choice: nothing of it may reach the terminal but letters.
    program = "".join(letter if letter.isprintable() else "?" for letter in kills.program) or "a program"
    return f"{times}{at}: {program} was ended" + (f" (the limit is {format_bytes(limit)})" if limit else "")


def _home(home: HomeMessage | None) -> str:
    """Such as ``1.2 GiB of 2 GiB``; and what follows where it holds more than it may."""
    if home is None:
        return ""
    most = format_bytes(home.most_bytes)
    if home.used_bytes is None:
        return f"at most {most}; what it holds takes too long to count"
    if home.used_bytes <= home.most_bytes:
        return f"{format_bytes(home.used_bytes)} of {most}"
    follows = "when it has stopped it does not start again" if home.not_held else "nothing more can be written"
    return f"{format_bytes(home.used_bytes)}, above the {most} of your allowance of home: {follows}"


def _message(wanted: "Resources") -> ResourcesMessage:
    ulimits = [UlimitMessage(each.name, each.soft, each.hard) for each in wanted.ulimits]
    return ResourcesMessage(
        wanted.cpus, wanted.memory_bytes, wanted.pids, wanted.gpus, wanted.shm_bytes, wanted.disk_bytes, ulimits
    )


def _ulimit(message: UlimitMessage) -> str:
    from sshore.core.ulimits import Ulimit

    return str(Ulimit(message.name, message.soft, message.hard))


def _bytes(text: str) -> int | None:
    return parse_bytes(text) if text else None


def _size(size: int | None) -> str:
    return format_bytes(size) if size else ""
