"""Folders that come into sessions and go."""

from dataclasses import dataclass

from sshore.schema.session_messages import MountMessage


@dataclass(frozen=True, slots=True)
class MountFolder:
    """Mount a folder in a session; without a `target`, in the home under its name. `at_restart`: not before its next
    start, whether it runs or not."""

    folder: str
    target: str = ""
    read_only: bool = False
    at_restart: bool = False


@dataclass(frozen=True, slots=True)
class UnmountedMessage:
    """What the session mounts still. `in_use`: processes have files in the folder open, which they keep until they
    close them."""

    mounts: list[MountMessage]
    in_use: bool = False
