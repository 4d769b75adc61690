"""The far side of `sshore cp`, in a session or in a folder alike, and the patterns that may stand for names there."""

import fnmatch
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sshore.cli.copying.folder_places import FolderPlace, is_folder_place
from sshore.core.errors import InvalidInput, NotFound
from sshore.core.names import FOLDER_PREFIX
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.names import local_name

HERE = b"."
"""A session's home, or the folder: where a connection begins."""


@dataclass(frozen=True, slots=True)
class RemotePlace:
    """`name` is what it is called when it comes here; empty where only what it holds comes. `is_inside` where its end
    (a slash, ``/.``) says that it is a directory."""

    text: str
    path: bytes
    name: str
    is_inside: bool
    how_to_make: str

    def __str__(self) -> str:
        return self.text


def is_remote(text: str) -> bool:
    return is_folder_place(text) or bool(session_of(text))


def session_of(text: str) -> str:
    """The session of ``NAME:PATH``; empty for a local path, which has a slash before its first colon, or none."""
    name, colon, _ = text.partition(":")
    drive = sys.platform == "win32" and len(name) == 1
    return name if colon and name and "/" not in name and not drive else ""


def in_folder(place: FolderPlace) -> RemotePlace:
    words = place.path.split("/")
    name = "" if place.is_content else words[-1] or place.ref.rpartition("/")[2]
    make = _how_to_make(f"{FOLDER_PREFIX}{place.ref}", ["/".join(words[:count]) for count in range(1, len(words) + 1)])
    return RemotePlace(str(place), os.fsencode(place.path) or HERE, name, place.is_inside, make)


def in_session(text: str) -> RemotePlace:
    """``NAME:PATH``, PATH from the home unless it begins with a slash; ``~`` is the home, too."""
    session, _, written = text.partition(":")
    if "\0" in written:
        raise InvalidInput("a file's name cannot hold a NUL")
    path = written[1:].lstrip("/") if written == "~" or written.startswith("~/") else written
    bare = path.rstrip("/") or path[:1]
    name = name_of(bare)
    make = f"make it with: sshore ssh {session} mkdir -p {shlex.quote(shlex.quote(bare))}"
    return RemotePlace(text, os.fsencode(bare) or HERE, name, path.endswith("/") or not name, make)


def name_of(path: str) -> str:
    """What a path is called; empty where it means what a directory holds, and not itself: ``.``, ``DIR/.``, ``DIR/..``.
    So `cp` reads it, too."""
    name = path.rstrip("/").rpartition("/")[2]
    return "" if name in (".", "..") else name


def matching(place: RemotePlace, channel: SftpChannel) -> list[RemotePlace]:
    """The place itself, where there is such a name; else those that it is a pattern of (``*``, ``?``, ``[…]``)."""
    if not _is_pattern(place.path) or channel.stat(place.path) is not None:
        return [place]
    start, words = (b"/", place.path[1:].split(b"/")) if place.path.startswith(b"/") else (HERE, place.path.split(b"/"))
    paths = list(_matches(channel, start, words))
    if not paths:
        raise NotFound("no such file")
    prefix = place.text[: len(place.text) - len(os.fsdecode(place.path))] if _ends_with_path(place) else ""
    return [
        replace(place, text=prefix + os.fsdecode(path), path=path, name=name_of(os.fsdecode(path))) for path in paths
    ]


def join(directory: bytes, name: bytes) -> bytes:
    return name if directory == HERE else directory.rstrip(b"/") + b"/" + name


def local_child(directory: Path, name: bytes) -> Path:
    """Where a file that is called so at the far side comes to lie here, which is nowhere but in that directory. Raises
    SshoreError as `local_name` does."""
    return directory / local_name(name)


def _matches(channel: SftpChannel, directory: bytes, words: list[bytes]) -> Iterator[bytes]:
    word, *deeper = words
    if not _is_pattern(word):
        names = [word]
    else:
        there = channel.stat(directory)
        listed = [name for name, _ in channel.names(directory)] if there and there.is_directory else []
        names = sorted(n for n in fnmatch.filter(listed, word) if not n.startswith(b".") or word.startswith(b"."))
    for path in (join(directory, name) for name in names):
        if deeper:
            yield from _matches(channel, path, deeper)
        elif channel.lstat(path) is not None:
            yield path


def _is_pattern(path: bytes) -> bool:
    return any(mark in path for mark in (b"*", b"?", b"["))


def _ends_with_path(place: RemotePlace) -> bool:
    return place.text.endswith(os.fsdecode(place.path))


def _how_to_make(target: str, paths: list[str]) -> str:
    """A command that makes a directory, and those above it that are missing."""
    commands = [f"-mkdir {shlex.quote(path)}" for path in paths]
    return f"make it with: printf '%s\\n' {shlex.join(commands)} | sshore sftp -b - {target}"
