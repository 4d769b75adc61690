"""A session as the other end of `sshore cp`: `ssh -s … sftp`, with its certificate, and checksums by the kit's program.

SftpChannel ──pipes──▶ ssh ──▶ sshd's SFTP server
Checker     ──stream──▶ check-files, which the kit brings along, as with a folder

Neither passes through a login shell, and both end with their connection: nothing is left in the session.
"""

import os
import sys
from contextlib import ExitStack

from sshore.cli.connecting.openssh import require, ssh_environment, words_of, words_with_certificate_first
from sshore.cli.connecting.ordinary import reach
from sshore.cli.connecting.overrides import Overrides
from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser
from sshore.core.apps import CHECK
from sshore.core.errors import SshoreError
from sshore.sdk.errors import ApiError, ConnectionLost
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.checks import open_checker
from sshore.sdk.sftp.connection import ProgramConnection
from sshore.sdk.sftp.remote import Checks, SizesOnly
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.problems import Code

_WITHOUT = {
    Code.NOT_FOUND: "its server, or the one that started it, is an older one (then sshore stop and start mend it)",
    Code.ALLOWANCE_EXCEEDED: "that takes a second stream, and your allowance has none left",
}
"""Why a session makes no checksums: what its files are otherwise is copied all the same."""


class SessionRemote:
    """`ssh_options` are the user's. An answer is waited for `patience_s`. After `reset` everything is opened anew, with
    a new certificate."""

    def __init__(self, user: LocalUser, name: str, ssh_options: list[str], patience_s: float) -> None:
        self._user = user
        self._name = name
        self._options = ssh_options
        self._patience_s = patience_s
        self._open = ExitStack()
        self._channel: SftpChannel | None = None
        self._checker: Checks | None = None
        self._has_been_there = False
        self._has_checksums = True

    @property
    def channel(self) -> SftpChannel:
        if self._channel is None:
            require("ssh")
            overrides = Overrides()
            host, ours = self._way()
            connection = self._run(["ssh", *ours, *self._options, *overrides.for_copies(), "-s", host, "sftp"])
            try:
                self._channel = SftpChannel(connection)
            except ConnectionLost as error:
                raise self._explained(connection, error) from error
            self._has_been_there = True
        return self._channel

    @property
    def checker(self) -> Checks:
        if self._checker is None:
            channel = self.channel  # first: with it SSH is launched
            self._checker = (self._open_checker() if self._has_checksums else None) or SizesOnly(channel)
        return self._checker

    def reset(self) -> None:
        self._open.close()
        self._channel = self._checker = None

    def _open_checker(self) -> Checks | None:
        login = self._user.login()
        try:
            checker = open_checker(StreamTarget(login.address, login.token, self._name, CHECK), self._patience_s)
        except ApiError as error:
            if error.problem.code not in _WITHOUT:
                raise
            self._has_checksums = False
            say(
                f"no checksums can be made in {self._name}: {_WITHOUT[error.problem.code]}. "
                "Both ends are compared by size, and nothing is resumed"
            )
            return None
        self._open.callback(checker.close)
        return checker

    def _way(self) -> tuple[str, list[str]]:
        if sys.platform == "win32":
            return words_with_certificate_first(self._user, self._name)
        return words_of(reach(self._user, self._name, launch=True), self._name)

    def _run(self, arguments: list[str]) -> ProgramConnection:
        environment = ssh_environment(os.environ, self._name)
        connection = ProgramConnection(arguments, environment, shows_errors="-v" in self._options)
        connection.settimeout(self._patience_s)
        self._open.callback(connection.close)
        return connection

    def _explained(self, connection: ProgramConnection, error: ConnectionLost) -> SshoreError:
        """What ssh says. Where it has never got through, trying again would not help."""
        reason = connection.reason() or error.problem.detail
        return ConnectionLost(reason) if self._has_been_there else SshoreError(f"ssh cannot reach it: {reason}")
