"""The app ``ssh``: OpenSSH's `sshd -i` for each stream, on the stream's own socket."""

import os
import signal
import socket
from typing import Any

from sshore.agent.authorized_keys import AuthorizedKeys
from sshore.agent.children import Children, describe_exit
from sshore.agent.daemon_configs import NOT_KNOWN, ClientFacts, DaemonConfigs
from sshore.agent.journal import DaemonJournal, say
from sshore.agent.link import answer
from sshore.agent.loop import Loop
from sshore.agent.own_keys import OwnKeys, accepted_key
from sshore.agent.replies import Problem, Reply, ok
from sshore.wire.problems import Code

SSHD_END_GRACE_S = 2.0
# What an image says (LD_PRELOAD, OPENSSL_CONF, …) is for its own programs: their variables come from sshd's SetEnv.
_ENVIRONMENT: dict[str, str] = {}


class HostKeyOffer:
    """Options of sshd for what it offers its clients to be known by: all there is; host keys without certificates; or
    the one of Ed25519 alone. By the algorithms, because HostKey and HostCertificate add up: no option takes back those
    in the configuration."""

    CERTIFIED: tuple[str, ...] = ()
    PLAIN = ("-o", "HostKeyAlgorithms=-*-cert-*")
    ED25519 = ("-o", "HostKeyAlgorithms=ssh-ed25519")


class _Connection:
    """A stream's daemon. `key` is the fingerprint of the key that it has let in, as soon as it says so; `barred`
    are those of keys that were removed before, which it may have read of in time to let in."""

    __slots__ = ("barred", "key", "said")

    def __init__(self) -> None:
        self.said = False
        self.key = ""
        self.barred: set[str] = set()


class SshApp:
    """Launched or not; while it is launched, each stream gets a daemon of its own."""

    name = "ssh"

    def __init__(
        self, loop: Loop, children: Children, kit_bin: str, config: str, keys: OwnKeys, in_home: AuthorizedKeys
    ) -> None:
        self._loop, self._children, self._keys, self._in_home = loop, children, keys, in_home
        self._daemons: dict[int, _Connection] = {}
        self._wanted = self._launched = False
        self._sshd = f"{kit_bin}/sshd"
        self._config, self._configs = config, DaemonConfigs(config)
        self._arguments = _address_options()

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
        self._children.end(self._daemons, SSHD_END_GRACE_S, lambda: reply(ok()))

    def open(
        self,
        connection: socket.socket,
        client: ClientFacts = NOT_KNOWN,
        offer: tuple[str, ...] = HostKeyOffer.CERTIFIED,
    ) -> None:
        """Hand the socket to a new daemon; this process keeps no copy. `offer` is one of `HostKeyOffer`.

        Raises:
            Problem: ssh is not launched.
            OSError: the gateway is gone, or no process can be made.
        """
        if not self._launched:
            raise Problem(Code.APP_NOT_LAUNCHED, "SSH is not launched in this session: launch it first")
        answer(connection, ok(speaks_first=True))
        self._keys.refresh()
        # Before its main loop sshd expects a socket that blocks, and the flag belongs to all copies of it.
        connection.setblocking(True)
        fd = connection.fileno()
        options = (*self._arguments, *self._authorized_keys(), *offer)
        command = (self._sshd, "-i", "-e", "-f", self._configs.path(client), *options)
        self._spawn(command, fd)
        connection.close()

    def end_revoked(self, reply: Reply) -> None:
        """End the connections that a key has opened which is registered no longer; answers when they have ended."""
        removed = self._keys.take_removed()
        for connection in self._daemons.values():
            connection.barred |= removed
        revoked = [pid for pid, connection in self._daemons.items() if connection.key in removed]
        if revoked:
            say(f"{len(revoked)} ssh connections end: their key has been removed")
        self._children.end(revoked, SSHD_END_GRACE_S, lambda: reply(ok(ended=len(revoked))))

    def status(self) -> dict[str, Any]:
        return {"name": self.name, "launched": self._launched, "connections": len(self._daemons)}

    def notes(self) -> list[str]:
        """What the owner should know: phrases on keys of the home's that let nobody in."""
        return list(self._in_home.look())

    def _authorized_keys(self) -> tuple[str, ...]:
        self._in_home.look()
        copy = self._in_home.copy
        return ("-o", f"AuthorizedKeysFile={self._keys.path} {copy}") if copy else ()

    def _spawn(self, command: tuple[str, ...], fd: int) -> None:
        connection = _Connection()
        journal = DaemonJournal(self._loop, "sshd", lambda line: self._heard(connection, line))

        def ended(pid: int, status: int) -> None:
            journal.close()
            self._daemons.pop(pid, None)
            # Whoever ends in order has said so: sshd logs each end of a connection.
            if status not in (0, -signal.SIGTERM) and (status < 0 or not connection.said):
                say(f"sshd {describe_exit(status)}" + ("" if connection.said else " without a word"))

        try:
            pid = self._children.spawn(
                command, ended, stdin=fd, stdout=fd, stderr=journal.write_end, environment=_ENVIRONMENT
            )
        except OSError:
            journal.close()
            raise
        finally:
            os.close(journal.write_end)
        self._daemons[pid] = connection

    def _heard(self, connection: _Connection, line: bytes) -> None:
        connection.said = True
        key = accepted_key(line)
        if not key:
            return
        connection.key = key
        if key in connection.barred - self._keys.refresh():
            pids = [pid for pid, other in self._daemons.items() if other is connection]
            self._children.end(pids, SSHD_END_GRACE_S, lambda: None)

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
                command = (self._sshd, "-t", "-f", self._config, *self._arguments)
                self._children.spawn(
                    command, finished, stdin=null, stdout=null, stderr=write_end, environment=_ENVIRONMENT
                )
            finally:
                os.close(null)
        except OSError as error:
            os.close(read_end)
            self._launched = False
            raise Problem(Code.APP_FAILED, f"{self._sshd} cannot be run: {error.strerror}") from error
        finally:
            os.close(write_end)


def _address_options() -> tuple[str, ...]:
    """Without IPv6, as in most containers, sshd finds no place for X11 displays when it may try IPv6 (channels.c,
    x11_create_display_inet: it takes an address that cannot be bound for a display that is taken)."""
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs a megabyte
            has_loopback = f"{1:032x}" in file.read()
    except OSError:
        has_loopback = False
    return () if has_loopback else ("-o", "AddressFamily=inet")


def _read_all(fd: int) -> str:
    try:
        return os.read(fd, 64 << 10).decode(errors="replace").strip().replace("\r", "").replace("\n", "; ")
    except BlockingIOError:
        return ""
