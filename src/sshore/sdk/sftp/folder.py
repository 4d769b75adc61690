"""One storage folder on a server: its channel and its checker, opened when needed, closed when one breaks."""

from dataclasses import replace

from sshore.core.apps import CHECK
from sshore.core.names import FOLDER_PREFIX
from sshore.sdk.credentials import Login
from sshore.sdk.sftp.channel import SftpChannel
from sshore.sdk.sftp.checks import Checker, open_checker
from sshore.sdk.sftp.connection import connect
from sshore.sdk.stream_head import StreamTarget


class Folder:
    """`ref` is ``NAME`` or ``OWNER/NAME``; `patience_s` is `connect`'s. After `reset` everything is opened anew."""

    def __init__(self, login: Login, ref: str, patience_s: float) -> None:
        self._target = StreamTarget(login.address, login.token, FOLDER_PREFIX + ref, "sftp")
        self._patience_s = patience_s
        self._channel: SftpChannel | None = None
        self._checker: Checker | None = None

    @property
    def channel(self) -> SftpChannel:
        """Raises ApiError when the server refuses, Unavailable when it does not answer."""
        if self._channel is None:
            connection, first = connect(self._target, self._patience_s)
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
            self._checker = open_checker(replace(self._target, app=CHECK), self._patience_s)
        return self._checker

    def reset(self) -> None:
        """Close what is open; idempotent."""
        for end in (self._channel, self._checker):
            if end is not None:
                end.close()
        self._channel = self._checker = None
