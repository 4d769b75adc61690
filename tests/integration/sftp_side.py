"""A far side of `sshore cp` on this machine: OpenSSH's `sftp-server` and the kit's program for checksums, on pipes."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sshore.cli.copying.arguments import read_arguments
from sshore.cli.copying.copy import copy_all
from sshore.cli.copying.places import in_session, is_remote
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.checks import Checker
from sshore.sdk.sftp.connection import ProgramConnection
from sshore.sdk.sftp.remote import Checks, SizesOnly

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
CHECK_FILES = [sys.executable, "-m", "sshore.agent", "check-files"]


class SftpSide:
    """`root` is where places begin. Without `checksums` it is as a session that an older Sshore started."""

    def __init__(
        self,
        root: Path,
        *,
        server: Sequence[str] = (SFTP_SERVER,),
        checksums: bool = True,
        patience_s: float = 20,
    ) -> None:
        self._server = ["sh", "-c", f"cd {shlex.quote(str(root))} && exec {shlex.join(server)}"]
        self._checks = ["sh", "-c", f"cd {shlex.quote(str(root))} && exec {shlex.join(CHECK_FILES)}"]
        self._checksums, self._patience_s = checksums, patience_s
        self._open: list[ProgramConnection] = []
        self._channel: SftpChannel | None = None
        self._checker: Checks | None = None

    @property
    def channel(self) -> SftpChannel:
        if self._channel is None:
            self._channel = SftpChannel(self._run(self._server))
        return self._channel

    @property
    def checker(self) -> Checks:
        if self._checker is None:
            checker = Checker(self._run(self._checks), patience_s=self._patience_s) if self._checksums else None
            self._checker = checker or SizesOnly(self.channel)
        return self._checker

    def reset(self) -> None:
        for connection in reversed(self._open):
            connection.close()
        self._open.clear()
        self._channel = self._checker = None

    def copy(self, *words: str) -> int:
        """`sshore cp` with these words, where ``there:PATH`` is a place on this side; the exit status."""
        wanted = read_arguments(list(words))
        return copy_all(wanted, self, [in_session(word) for word in wanted.places if is_remote(word)])

    def _run(self, words: list[str]) -> ProgramConnection:
        connection = ProgramConnection(words, os.environ)
        connection.settimeout(self._patience_s)
        self._open.append(connection)
        return connection


@contextmanager
def bindfs(source: Path, place: Path, *options: str) -> Iterator[Path]:
    """A file system that shows a directory elsewhere, with manners of its own."""
    place.mkdir()
    subprocess.run(["bindfs", *options, source, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["fusermount3", "-u", place], check=True)
