"""`sshore cp` to and from storage folders: no session is needed, transfers resume and end with a checksum."""

import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from sshore.cli.failures import say
from sshore.cli.folder_places import FolderPlace, find_place, is_folder_place
from sshore.cli.output import print_json
from sshore.cli.transfer_view import describe, watching
from sshore.cli.user import User
from sshore.core.errors import InvalidInput, NotFound, SshoreError, Unavailable
from sshore.core.names import FOLDER_PREFIX
from sshore.sdk.sftp.download import download
from sshore.sdk.sftp.folder import Folder
from sshore.sdk.sftp.packets import Attributes
from sshore.sdk.sftp.transfer import Persistence, Transferred
from sshore.sdk.sftp.upload import upload

_SYNOPSIS = "usage: sshore cp [-r] [--timeout SECONDS] [--json] SRC… DST, with folder:NAME/PATH on one side"
_TIMEOUT_S = 120.0

T = TypeVar("T")


@dataclass
class _Wanted:
    places: list[str] = field(default_factory=list)
    recursive: bool = False
    as_json: bool = False
    timeout_s: float = _TIMEOUT_S


def names_a_folder(arguments: list[str]) -> bool:
    return any(is_folder_place(word) for word in arguments)


def run_folder_copy(user: User, arguments: list[str]) -> int:
    """Run ``cp`` where a folder is on one side."""
    wanted = _parse(arguments)
    *sources, target = wanted.places
    to_folder = is_folder_place(target)
    if any(is_folder_place(source) is to_folder for source in sources):
        raise InvalidInput(f"one side is a folder and the other is here; {_SYNOPSIS}")
    began = time.monotonic()
    with user.client() as client:
        login = client.login
        places = [find_place(client, word) for word in wanted.places if is_folder_place(word)]
    copy = _Copy(wanted, Folder(login, places[0].ref))
    if len({place.ref for place in places}) > 1:
        raise InvalidInput("name one folder at a time")
    try:
        if to_folder:
            copy.up([Path(source) for source in sources], places[0])
        else:
            copy.down(places, Path(target))
    finally:
        copy.folder.reset()
    copy.report(time.monotonic() - began)
    return 0


class _Copy:
    """One run of the command."""

    def __init__(self, wanted: _Wanted, folder: Folder) -> None:
        self._wanted = wanted
        self.folder = folder
        self._done: list[Transferred] = []
        self._interruptions = 0

    def up(self, sources: list[Path], place: FolderPlace) -> None:
        base = os.fsencode(place.path) or b"."
        with _about(str(place)):
            there = self._quietly(partial(self._stat, base))
        inside = there is not None and there.is_directory
        if (len(sources) > 1 or place.is_inside) and not inside:
            raise NotFound(
                f"{place} is no directory: {_how_to_make(place)}, or leave the slash at its end out to write a file"
            )
        for source in sources:
            self._up_one(source, _join(base, os.fsencode(source.absolute().name)) if inside else base)

    def _up_one(self, source: Path, target: bytes) -> None:
        if source.is_dir():
            self._check_recursive(str(source))
            for path, below in _walk(source):
                name = _join(target, below) if below else target
                if path.is_dir():
                    with _about(os.fsdecode(name)):
                        self._quietly(partial(self._make_directory, name))
                elif path.is_file():
                    self._send(path, name)
                else:
                    say(f"{path} is left out: it is no file")
        else:
            self._send(source, target)

    def down(self, places: list[FolderPlace], target: Path) -> None:
        if len(places) > 1 and not target.is_dir():
            raise NotFound(f"{target} is no directory")
        for place in places:
            with _about(str(place)):
                self._down_one(place, target)

    def _down_one(self, place: FolderPlace, target: Path) -> None:
        source = os.fsencode(place.path) or b"."
        there = self._quietly(partial(self._stat, source))
        if there is None:
            raise NotFound("no such file")
        name = place.path.rpartition("/")[2] or place.ref.rpartition("/")[2]
        target = target / name if target.is_dir() else target
        if not there.is_directory:
            self._fetch(source, target, there.size)
            return
        self._check_recursive(str(place))
        self._fetch_tree(source, target)

    def _fetch_tree(self, source: bytes, target: Path) -> None:
        target.mkdir(exist_ok=True)
        for name, attributes in self._quietly(lambda: list(self.folder.channel.names(source))):
            if b"/" in name or name in (b"", b".", b".."):
                raise SshoreError("the server names a file that cannot be")
            path, below = _join(source, name), target / os.fsdecode(name)
            # A listing shows links themselves; what they lead to is fetched, as scp does, but no directory, which
            # could lead in a circle.
            there = attributes if attributes.is_directory else self._quietly(partial(self._stat, path))
            if attributes.is_directory:
                self._fetch_tree(path, below)
            elif there is not None and there.is_file:
                self._fetch(path, below, there.size)
            else:
                say(f"{os.fsdecode(path)} is left out: it is no file")

    def report(self, duration_s: float) -> None:
        moved = sum(done.moved_bytes for done in self._done)
        if self._wanted.as_json:
            files = [asdict(done) for done in self._done]
            total = sum(done.bytes for done in self._done)
            print_json(
                {
                    "files": files,
                    "bytes": total,
                    "moved_bytes": moved,
                    "interruptions": self._interruptions,
                    "duration_s": round(duration_s, 3),
                }
            )

    def _send(self, source: Path, target: bytes) -> None:
        size = source.stat().st_size
        self._transfer(os.fsdecode(target), size, lambda keeping: upload(source, target, keeping))

    def _fetch(self, source: bytes, target: Path, size: int) -> None:
        self._transfer(os.fsdecode(source), size, lambda keeping: download(source, target, keeping))

    def _transfer(self, title: str, size: int, transfer: Callable[[Persistence], Transferred]) -> None:
        with watching(title, size, quiet=self._wanted.as_json) as watcher, _about(title):
            keeping = Persistence(self.folder, watcher, self._wanted.timeout_s)
            done = transfer(keeping)
        self._interruptions += keeping.interruptions
        self._done.append(done)
        if not self._wanted.as_json:
            print(describe(done))

    def _stat(self, path: bytes) -> Attributes | None:
        return self.folder.channel.stat(path)

    def _make_directory(self, path: bytes) -> None:
        self.folder.channel.make_directory(path)

    def _quietly(self, ask: Callable[[], T]) -> T:
        """One question, asked again where the connection is lost."""
        with watching("", 0, quiet=True) as watcher:
            return Persistence(self.folder, watcher, self._wanted.timeout_s).keep_at(ask)

    def _check_recursive(self, name: str) -> None:
        if not self._wanted.recursive:
            raise InvalidInput(f"{name} is a directory: use cp -r")


@contextmanager
def _about(place: str) -> Iterator[None]:
    """A refusal says which place it is about."""
    try:
        yield
    except SshoreError as error:
        if isinstance(error, Unavailable) or place in error.problem.detail:
            raise
        raise SshoreError(f"{place}: {error.problem.detail}", code=error.problem.code) from error


def _walk(root: Path) -> Iterator[tuple[Path, bytes]]:
    """Everything in a directory, directories before what they hold, and its path below the root."""
    yield root, b""
    for entry in sorted(root.rglob("*")):
        yield entry, os.fsencode(entry.relative_to(root).as_posix())


def _how_to_make(place: FolderPlace) -> str:
    """A command that makes a directory in a folder, and those above it that are missing."""
    words = place.path.split("/")
    commands = [f"-mkdir {shlex.quote('/'.join(words[:count]))}" for count in range(1, len(words) + 1)]
    return f"make it with: printf '%s\\n' {shlex.join(commands)} | sshore sftp -b - {FOLDER_PREFIX}{place.ref}"


def _join(directory: bytes, name: bytes) -> bytes:
    return name if directory == b"." else directory + b"/" + name


def _parse(arguments: list[str]) -> _Wanted:
    wanted = _Wanted()
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
        elif word in ("-r", "-p", "-rp", "-pr"):  # times and modes are always kept
            wanted.recursive |= "r" in word
        elif word.startswith("-"):
            raise InvalidInput(f"unknown option {word} where a folder is named; {_SYNOPSIS}")
        else:
            wanted.places.append(word)
    if len(wanted.places) < 2:
        raise InvalidInput(_SYNOPSIS)
    return wanted


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is no number of seconds; {_SYNOPSIS}") from None
