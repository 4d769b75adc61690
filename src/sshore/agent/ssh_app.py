"""The app ``ssh``: OpenSSH's `sshd -i` for each stream, on the stream's own socket."""

import os
import socket
from typing import Any

from sshore.agent.children import Children, describe_exit
from sshore.agent.journal import DaemonJournal, say
from sshore.agent.link import answer
from sshore.agent.loop import Loop
from sshore.agent.replies import Problem, Reply, ok
from sshore.wire.problems import Code

END_GRACE_S = 2.0


class SshApp:
    """Launched or not; while it is launched, each stream gets a daemon of its own."""

    name = "ssh"

    def __init__(self, loop: Loop, children: Children, kit_bin: str, config: str) -> None:
        self._children = children
        self._journal = DaemonJournal(loop, "sshd")
        self._daemons: set[int] = set()
        self._wanted = self._launched = False
        self._sshd = f"{kit_bin}/sshd"
        self._arguments = ("-f", config, *_helper_options(kit_bin))

    def start(self, reply: Reply) -> None:
        """Launch, if sshd accepts its configuration."""
        if self._launched:
            reply(ok())
        else:
            self._wanted = True
            self._check(reply)

    def launch(self) -> None:
        """Launch at once, and take it back when sshd turns out not to accept its configuration."""
        self._wanted = self._launched = True
        self._check(lambda message: None)

    def stop(self, reply: Reply) -> None:
        """No new streams, and an end to the open ones."""
        if self._launched:
            say("ssh is stopped")
        self._wanted = self._launched = False
        self._children.end(self._daemons, END_GRACE_S, lambda: reply(ok()))

    def open(self, connection: socket.socket) -> None:
        """Hand the socket to a new daemon; this process keeps no copy.

        Raises:
            Problem: ssh is not launched.
            OSError: the gateway is gone, or no process can be made.
        """
        if not self._launched:
            raise Problem(Code.APP_NOT_LAUNCHED, "SSH is not launched in this session: launch it first")
        answer(connection, ok())
        # Before its main loop sshd expects a socket that blocks, and the flag belongs to all copies of it.
        connection.setblocking(True)
        fd = connection.fileno()
        command = (self._sshd, "-i", "-e", *self._arguments)
        pid = self._children.spawn(command, self._on_exit_of, stdin=fd, stdout=fd, stderr=self._journal.write_end)
        self._daemons.add(pid)
        connection.close()

    def status(self) -> dict[str, Any]:
        return {"name": self.name, "launched": self._launched, "connections": len(self._daemons)}

    def _on_exit_of(self, pid: int, status: int) -> None:
        self._daemons.discard(pid)

    def _check(self, reply: Reply) -> None:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)

        def finished(pid: int, status: int) -> None:
            errors = _read_all(read_end)
            os.close(read_end)
            if status:
                self._launched = False
                detail = f"sshd {describe_exit(status)} when it checked its configuration: {errors}"
                say(detail)
                reply(Problem(Code.APP_FAILED, detail).reply())
            else:
                # It may have been stopped while sshd was looking.
                self._launched = self._wanted
                say("ssh is launched" if self._wanted else "ssh is stopped")
                reply(ok())

        try:
            null = os.open(os.devnull, os.O_RDWR)
            try:
                command = (self._sshd, "-t", *self._arguments)
                self._children.spawn(command, finished, stdin=null, stdout=null, stderr=write_end)
            finally:
                os.close(null)
        except OSError as error:
            os.close(read_end)
            self._launched = False
            raise Problem(Code.APP_FAILED, f"{self._sshd} cannot be run: {error.strerror}") from error
        finally:
            os.close(write_end)


def _helper_options(kit_bin: str) -> tuple[str, ...]:
    """Since OpenSSH 9.8 sshd runs programs beside it, which it would look for where it was built for."""
    options: list[str] = []
    for keyword, name in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
        if os.path.exists(f"{kit_bin}/{name}"):  # noqa: PTH110 - pathlib costs a megabyte
            options += ["-o", f"{keyword}={kit_bin}/{name}"]
    return tuple(options)


def _read_all(fd: int) -> str:
    try:
        return os.read(fd, 64 << 10).decode(errors="replace").strip().replace("\r", "").replace("\n", "; ")
    except BlockingIOError:
        return ""
