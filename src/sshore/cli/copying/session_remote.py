"""A session as the other end of `sshore cp`: `ssh -s … sftp`, with its certificate, and checksums by the kit's program.

SftpChannel ──pipes──▶ ssh (the connection) ──▶ sshd's SFTP server
Checker     ──pipes──▶ ssh (shares it)      ──▶ check-files, which the kit brings along
"""

import os
import shlex
import sys
from contextlib import ExitStack

from sshore.cli.connecting.openssh import require, ssh_environment, words_of, words_with_certificate_first
from sshore.cli.connecting.ordinary import reach
from sshore.cli.copying.shared_connection import control_directory
from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser
from sshore.core import layout
from sshore.core.errors import SshoreError
from sshore.sdk.errors import ConnectionLost
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.checks import Checker
from sshore.sdk.sftp.connection import ProgramConnection
from sshore.sdk.sftp.remote import Checks, SizesOnly

_CHECK_FILES = shlex.join([*layout.AGENT_COMMAND, "check-files"])
# What scp and sftp ask of ssh too, whatever the user's ssh_config says; and 45 seconds of silence are a cut network.
_QUIET_SSH = ["-x", *(word for option in (
    "ClearAllForwardings=yes", "ForwardAgent=no", "PermitLocalCommand=no", "RemoteCommand=none", "RequestTTY=no",
    "ServerAliveInterval=15", "ServerAliveCountMax=3",
) for word in ("-o", option))]  # fmt: skip
_SHARES = sys.platform != "win32"
_STARTUP_S = 8.0
"""For a login shell and its startup files. What takes longer has ended in another program, or waits for somebody."""


class SessionRemote:
    """`ssh_options` are the user's. An answer is waited for `patience_s`. After `reset` everything is opened anew, with
    a new certificate."""

    def __init__(self, user: LocalUser, name: str, ssh_options: list[str], patience_s: float) -> None:
        self._user = user
        self._name = name
        self._options = ssh_options
        self._patience_s = patience_s
        self._words: list[str] = []
        self._host = ""
        self._open = ExitStack()
        self._forget_socket = ExitStack()
        self._channel: SftpChannel | None = None
        self._checker: Checks | None = None
        self._has_been_there = False
        self._has_checksums = True

    @property
    def channel(self) -> SftpChannel:
        if self._channel is None:
            require("ssh")
            host, ours = self._way()
            self._words, self._host = [*ours, *self._sharing(), *self._options, *_QUIET_SSH], host
            master = ["-o", "ControlMaster=yes"] if _SHARES else []
            connection = self._run(["ssh", *master, *self._words, "-s", host, "sftp"])
            try:
                self._channel = SftpChannel(connection)
            except ConnectionLost as error:
                raise self._explained(connection, error) from error
            self._has_been_there = True
        return self._channel

    @property
    def checker(self) -> Checks:
        if self._checker is None:
            self._checker = self._open_checker() if self._has_checksums else SizesOnly(self.channel)
        return self._checker

    def reset(self) -> None:
        self._open.close()
        self._channel = self._checker = None

    def _open_checker(self) -> Checks:
        channel = self.channel
        connection = self._run(["ssh", "-o", "ControlMaster=no", *self._words, self._host, _CHECK_FILES])
        checker = Checker(connection, patience_s=self._patience_s)
        try:
            checker.find_program(min(_STARTUP_S, self._patience_s))
        except ConnectionLost:
            connection.kill()
            channel.stat(b".")  # is the connection there, then it is the program that is not
            self._has_checksums = False
            say(f"no checksums can be made in {self._name}: both ends are compared by size, and nothing is resumed")
            return SizesOnly(channel)
        self._forget_socket.close()  # both are connected; who is killed leaves nothing behind
        return checker

    def _way(self) -> tuple[str, list[str]]:
        if sys.platform == "win32":
            return words_with_certificate_first(self._user, self._name)
        return words_of(reach(self._user, self._name, launch=True), self._name)

    def _sharing(self) -> list[str]:
        """A socket by which a second ssh shares the first one's connection. Where there is no place for one, the second
        connects by itself, whatever the user's ssh_config says."""
        if not _SHARES:
            return []
        directory = self._forget_socket.enter_context(control_directory())
        self._open.callback(self._forget_socket.close)
        return ["-o", f"ControlPath={f'{directory}/ssh' if directory else 'none'}", "-o", "ControlPersist=no"]

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
