"""`sshore cp`, to and from sessions and storage folders alike: transfers resume and end with a checksum."""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from sshore.cli.connecting.destination import check_options, session_named
from sshore.cli.copying.arguments import SSH_VALUED, SYNOPSIS, Wanted, read_arguments
from sshore.cli.copying.folder_places import find_place, is_folder_place
from sshore.cli.copying.places import (
    HERE,
    RemotePlace,
    in_folder,
    in_session,
    is_remote,
    join,
    local_child,
    matching,
    name_of,
    session_of,
)
from sshore.cli.copying.transfer_view import LeftOut, Remarks, describe, describe_left_out, watching
from sshore.cli.failures import exit_status, report, report_os_error, say
from sshore.cli.local_user import LocalUser
from sshore.cli.output import print_json
from sshore.core.errors import InvalidInput, NotFound, SshoreError, Unavailable
from sshore.sdk.errors import ApiError
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.download import download
from sshore.sdk.sftp.folder import Folder
from sshore.sdk.sftp.kinds import no_file, why_left_out
from sshore.sdk.sftp.local_marks import guessed_ns, set_mode, set_times_ns
from sshore.sdk.sftp.names import shown
from sshore.sdk.sftp.packets import Attributes
from sshore.sdk.sftp.remote import Remote
from sshore.sdk.sftp.remote_marks import set_directory_marks
from sshore.sdk.sftp.transfer import Persistence, Transferred, Watcher
from sshore.sdk.sftp.upload import upload
from sshore.wire.problems import Code

T = TypeVar("T")
_HOPELESS = (Code.STORAGE_FULL, Code.QUOTA_EXCEEDED)
_CIRCLE = "it leads in a circle"
_DEEPEST = 10_000
"""Calls. A path has 4096 bytes (PATH_MAX), so 2048 directories at most, of two calls each."""


def run_copy(user: LocalUser, arguments: list[str]) -> int:
    """Run ``cp [-r] SRC… DST``; the exit status is that of the first file that could not be copied."""
    wanted = read_arguments(arguments)
    *sources, target = wanted.places
    if any(is_remote(source) is is_remote(target) for source in sources):
        raise InvalidInput(f"one side is a session or a folder, and the other is here; {SYNOPSIS}")
    remote, places = _far_side(user, wanted)
    return copy_all(wanted, remote, places)


def copy_all(wanted: Wanted, remote: Remote, far: list[RemotePlace]) -> int:
    """Copy between here and the places at the far side, which is closed at the end; the exit status."""
    *sources, target = wanted.places
    began = time.monotonic()
    sys.setrecursionlimit(_DEEPEST)
    copy = _Copy(wanted, remote)
    try:
        if is_remote(target):
            copy.up(sources, far[0])
        else:
            copy.down(far, target)
    except KeyboardInterrupt:
        say("interrupted: what has arrived is kept, and the same command goes on from there")
        raise
    finally:
        remote.reset()
    copy.report(time.monotonic() - began)
    return copy.status


def _far_side(user: LocalUser, wanted: Wanted) -> tuple[Remote, list[RemotePlace]]:
    words = [word for word in wanted.places if is_remote(word)]
    if not any(is_folder_place(word) for word in words):
        check_options(wanted.ssh_options, SSH_VALUED)
        sessions = {session_named(session_of(word)) for word in words}
        if len(sessions) > 1:
            raise InvalidInput("name one session at a time: sshore cp FILE NAME:PATH, or sshore cp NAME:PATH FILE")
        from sshore.cli.copying.session_remote import SessionRemote  # loaded where it is needed, for the start-up time

        return SessionRemote(user, sessions.pop(), wanted.ssh_options, wanted.patience_s), [
            in_session(word) for word in words
        ]
    if wanted.ssh_options:
        raise InvalidInput(f"there is no ssh on the way to a folder: leave {wanted.ssh_options[0]} out; {SYNOPSIS}")
    if not all(is_folder_place(word) for word in words):
        raise InvalidInput("name one folder or session at a time")
    with user.client() as client:
        found = [find_place(client, word) for word in words]
    if len({place.ref for place in found}) > 1:
        raise InvalidInput("name one folder at a time")
    return Folder(client.login, found[0].ref, wanted.patience_s), [in_folder(place) for place in found]


class _Copy:
    """One run of the command. What cannot be copied is said, and the rest is copied."""

    def __init__(self, wanted: Wanted, remote: Remote) -> None:
        self._wanted = wanted
        self._remote = remote
        self._done: list[Transferred] = []
        self._left_out: list[LeftOut] = []
        self._interruptions = 0
        self._remarks = Remarks()
        self.status = 0

    def up(self, sources: list[str], place: RemotePlace) -> None:
        base = place.path
        with _about(written := shown(str(place))):
            there = self._quietly(partial(self._stat, base))
        inside = there is not None and there.is_directory
        if (len(sources) > 1 or place.is_inside) and not inside:
            raise NotFound(
                f"{written} is no directory: {place.how_to_make}, or leave the slash at its end out to write a file"
            )
        for source in sources:
            name = name_of(source.replace(os.sep, "/"))
            with self._going_on():
                os.stat(source)  # noqa: PTH116 - a Path has lost the slash by which a file is none
                self._up_one(Path(source), join(base, os.fsencode(name)) if inside and name else base)

    def _up_one(self, source: Path, target: bytes) -> None:
        if source.is_dir():
            self._check_recursive(str(source))
            self._send_tree(source, target, frozenset())
        else:
            self._send(source, target)

    def _send_tree(self, source: Path, target: bytes, above: frozenset[tuple[int, int]]) -> None:
        status = source.stat()
        own = (status.st_dev, status.st_ino)
        if own in above:
            self._leave_out(str(source), _CIRCLE)
            return
        entries = sorted(source.iterdir())
        if target != HERE:
            self._ask(target, lambda channel, _: channel.make_directory(target, status.st_mode))
        for entry in entries:
            name = join(target, os.fsencode(entry.name))
            with self._going_on():
                self._send_entry(entry, name, above | {own})
        if target != HERE:  # now, because what is made in a directory changes its time
            self._ask(target, lambda channel, watcher: set_directory_marks(channel, target, status, watcher))

    def _send_entry(self, entry: Path, target: bytes, above: frozenset[tuple[int, int]]) -> None:
        mode = _followed_mode(entry)
        if stat.S_ISDIR(mode):
            self._send_tree(entry, target, above)
        elif stat.S_ISREG(mode):
            self._send(entry, target)
        else:
            self._leave_out(str(entry), why_left_out(mode))

    def down(self, places: list[RemotePlace], written: str) -> None:
        target = Path(written)
        found: list[RemotePlace] = []
        self._quietly(lambda: self._remote.channel)
        for place in places:
            with self._going_on(), _about(shown(str(place))):
                found += self._quietly(partial(self._matching, place))
        if (len(found) > 1 or len(places) > 1 or written.endswith(("/", "/."))) and not target.is_dir():
            raise NotFound(f"{shown(written)} is no directory")
        for place in found:
            with self._going_on(), _about(shown(str(place))):
                self._down_one(place, target)

    def _down_one(self, place: RemotePlace, target: Path) -> None:
        there = self._quietly(partial(self._stat, place.path))
        if there is None:
            raise NotFound("no such file")
        if place.is_inside and not there.is_directory:
            raise NotFound("it is no directory")
        target = local_child(target, os.fsencode(place.name)) if place.name and target.is_dir() else target
        if not there.is_directory:
            self._fetch(place.path, target, there.size)
            return
        self._check_recursive(str(place))
        self._fetch_tree(place.path, self._real_path(place.path), target, there, frozenset())

    def _fetch_tree(self, source: bytes, real: bytes, target: Path, there: Attributes, above: frozenset[bytes]) -> None:
        if real in above:
            self._leave_out(source, _CIRCLE)
            return
        is_new = not target.exists()
        target.mkdir(0o700, exist_ok=True)
        for name, listed in self._quietly(lambda: self._listed(source)):
            with self._going_on(), _about(shown(join(source, name))):
                path, below = join(source, name), local_child(target, name)
                self._fetch_entry(path, join(real, name), below, listed, above | {real})
        if is_new:
            with self._watching("", 0) as watcher:
                set_times_ns(target, guessed_ns(there.modified_at, watcher), watcher)
                set_mode(target, there.mode, watcher)

    def _fetch_entry(self, path: bytes, real: bytes, below: Path, listed: Attributes, above: frozenset[bytes]) -> None:
        # A listing shows links themselves; what they lead to is fetched, as scp does.
        there = self._quietly(partial(self._stat, path)) if listed.is_link else listed
        if there is not None and there.is_directory:
            self._fetch_tree(path, self._real_path(path) if listed.is_link else real, below, there, above)
        elif there is not None and there.is_file:
            self._fetch(path, below, there.size)
        else:
            self._leave_out(path, why_left_out((there or listed).mode))

    def _leave_out(self, path: str | bytes, reason: str) -> None:
        self._left_out.append(LeftOut(os.fsdecode(path), reason))
        say(f"{shown(path)} is left out: {reason}")

    def report(self, duration_s: float) -> None:
        moved = sum(done.moved_bytes for done in self._done)
        if self._wanted.as_json:
            files = [asdict(done) for done in self._done]
            total = sum(done.bytes for done in self._done)
            print_json(
                {
                    "files": files,
                    "left_out": [asdict(one) for one in self._left_out],
                    "bytes": total,
                    "moved_bytes": moved,
                    "interruptions": self._interruptions,
                    "duration_s": round(duration_s, 3),
                }
            )
        elif self._left_out and not self._wanted.quiet:
            say(describe_left_out(len(self._left_out)))

    def _send(self, source: Path, target: bytes) -> None:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidInput(f"{shown(str(source))} is {no_file(status.st_mode)}")
        self._transfer(shown(target), status.st_size, lambda keeping: upload(source, target, keeping))

    def _fetch(self, source: bytes, target: Path, size: int) -> None:
        self._transfer(shown(source), size, lambda keeping: download(source, target, keeping))

    def _transfer(self, title: str, size: int, transfer: Callable[[Persistence], Transferred]) -> None:
        with self._watching(title, size) as watcher, _about(title):
            keeping = Persistence(self._remote, watcher, self._wanted.timeout_s)
            done = transfer(keeping)
        self._interruptions += keeping.interruptions
        self._done.append(done)
        if not self._wanted.as_json and not self._wanted.quiet:
            print(describe(done))

    def _stat(self, path: bytes) -> Attributes | None:
        return self._remote.channel.stat(path)

    def _real_path(self, path: bytes) -> bytes:
        return self._quietly(lambda: self._remote.channel.real_path(path))

    def _listed(self, directory: bytes) -> list[tuple[bytes, Attributes]]:
        """In order, because the part file of `x` has the name that `x.part` will have."""
        return sorted(self._remote.channel.names(directory), key=itemgetter(0))

    def _matching(self, place: RemotePlace) -> list[RemotePlace]:
        return matching(place, self._remote.channel)

    def _ask(self, path: bytes, ask: Callable[[SftpChannel, Watcher], None]) -> None:
        with _about(shown(path)), self._watching("", 0) as watcher:
            self._quietly(lambda: ask(self._remote.channel, watcher))

    def _watching(self, title: str, size: int) -> AbstractContextManager[Watcher]:
        return watching(title, size, self._remarks, quiet=self._wanted.as_json or self._wanted.quiet)

    def _quietly(self, ask: Callable[[], T]) -> T:
        """One question, asked again where the connection is lost."""
        with self._watching("", 0) as watcher:
            return Persistence(self._remote, watcher, self._wanted.timeout_s).keep_at(ask)

    def _check_recursive(self, name: str) -> None:
        if not self._wanted.recursive:
            raise InvalidInput(f"{shown(name)} is a directory: use cp -r")

    @contextmanager
    def _going_on(self) -> Iterator[None]:
        """What is wrong with one file is no reason to leave the others."""
        try:
            yield
        except SshoreError as error:
            if isinstance(error, Unavailable | ApiError) or error.problem.code in _HOPELESS:
                raise
            self.status = self.status or exit_status(error)
            report(error)
        except BrokenPipeError:
            raise
        except OSError as error:
            self.status = self.status or report_os_error(error)


def _followed_mode(path: Path) -> int:
    """Of what a name leads to; of the link itself where that is nothing."""
    try:
        return path.stat().st_mode
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise
        return path.lstat().st_mode


@contextmanager
def _about(place: str) -> Iterator[None]:
    """A refusal says which place it is about."""
    try:
        yield
    except SshoreError as error:
        if isinstance(error, Unavailable | ApiError) or place in error.problem.detail:
            raise
        raise SshoreError(f"{place.removesuffix(':')}: {error.problem.detail}", code=error.problem.code) from error
