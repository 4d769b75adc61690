"""One storage folder on a server: its channel and its checker, opened when needed, closed when one breaks."""

import socket
from dataclasses import replace

from sshore.core.names import FOLDER_PREFIX
from sshore.sdk.blocking_stream import open_stream
from sshore.sdk.credentials import Login
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.checks import Checker
from sshore.sdk.stream_head import StreamTarget

_SILENCE_S = 45.0
"""After so long without an answer to a read or a write the network is held to be cut."""


class Folder:
    """`ref` is ``NAME`` or ``OWNER/NAME``. An answer is waited for `patience_s`, or as long as a network may be silent,
    whichever is less. After `reset` everything is opened anew."""

    def __init__(self, login: Login, ref: str, patience_s: float) -> None:
        self._target = StreamTarget(login.address, login.token, FOLDER_PREFIX + ref, "sftp")
        self._patience_s = min(patience_s, _SILENCE_S)
        self._channel: SftpChannel | None = None
        self._checker: Checker | None = None

    @property
    def channel(self) -> SftpChannel:
        """Raises ApiError when the server refuses, Unavailable when it does not answer."""
        if self._channel is None:
            connection, first = open_stream(self._target)
            self._notice_cuts(connection)
            try:
                self._channel = SftpChannel(connection, first)
            except BaseException:
                connection.close()
                raise
        return self._channel

    @property
    def checker(self) -> Checker:
        """Raises as `channel` does."""
        if self._checker is None:
            connection, first = open_stream(replace(self._target, app="check"))
            self._notice_cuts(connection)
            self._checker = Checker(connection, first, patience_s=self._patience_s)
        return self._checker

    def reset(self) -> None:
        """Close what is open; idempotent."""
        for end in (self._channel, self._checker):
            if end is not None:
                end.close()
        self._channel = self._checker = None

    def _notice_cuts(self, connection: socket.socket) -> None:
        connection.settimeout(self._patience_s)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # or what was sent into nowhere would be repeated for 15 minutes
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._patience_s * 1000))
