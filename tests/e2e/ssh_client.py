"""OpenSSH's own programs, as a user calls them with a session's connection card."""

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployment import Owner

from integration.command_line import SSHORE, CommandLine
from sshore.proxy.forwards import Card

TIMEOUT_S = 60


@dataclass(frozen=True)
class SshClient:
    """A destination and the options (ssh_config(5)) by which ssh, sftp, scp, rsync and sshfs get there."""

    destination: str
    options: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """The options as arguments of any of the programs. The test user's own ssh_config plays no part."""
        return ["-F", "none", *(word for name, value in self.options.items() for word in ("-o", f"{name}={value}"))]

    @property
    def command_line(self) -> str:
        """`ssh` with its options, for programs that start it by a shell's line."""
        return shlex.join(["ssh", *self.words])

    def having(self, **options: str) -> "SshClient":
        """The same with other options."""
        return replace(self, options={**self.options, **options})

    def arguments(self, *command: str, flags: tuple[str, ...] = ()) -> list[str]:
        return ["ssh", *self.words, *flags, self.destination, *command]

    def run(
        self, *command: str, flags: tuple[str, ...] = (), stdin: bytes | None = None, timeout_s: float = TIMEOUT_S
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in the session."""
        return run(self.arguments(*command, flags=flags), self.environment, stdin, timeout_s=timeout_s)

    def ok(self, *command: str, **how: Any) -> str:
        """What a command that succeeds says on stdout."""
        done = self.run(*command, **how)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def start(self, *command: str, flags: tuple[str, ...] = (), **how: Any) -> subprocess.Popen[bytes]:
        """Start a command in the session, with pipes unless told otherwise; it is the caller's to end."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(self.arguments(*command, flags=flags), env=dict(self.environment), **{**pipes, **how})

    def sftp(self, *commands: str, timeout_s: float = TIMEOUT_S) -> str:
        """Run sftp's commands; all must succeed."""
        batch = "".join(f"{command}\n" for command in commands).encode()
        return self.program("sftp", "-q", *self.words, "-b", "-", self.destination, stdin=batch, timeout_s=timeout_s)

    def scp(self, *arguments: str) -> str:
        """Run scp; a place in the session is written ``:PATH``."""
        places = [f"{self.destination}{word}" if word.startswith(":") else word for word in arguments]
        return self.program("scp", "-q", *self.words, *places)

    def program(self, *arguments: str, stdin: bytes | None = None, timeout_s: float = TIMEOUT_S) -> str:
        """What any program that succeeds says on stdout."""
        done = run(arguments, self.environment, stdin, timeout_s=timeout_s)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


def through_forward(owner: CommandLine, card: Card) -> SshClient:
    """By the forward's port, as the card has it: verified host key, session key."""
    options = {
        "Port": str(card.port),
        "IdentityFile": card.key_file,
        "UserKnownHostsFile": card.known_hosts_file,
        **_ASK_NOTHING,
    }
    return SshClient(f"{card.user}@{card.host}", options, owner.environment)


def through_proxy_command(owner: Owner, name: str, key: Path) -> SshClient:
    """By `sshore stream`, without a local proxy."""
    options = {
        "ProxyCommand": f"{SSHORE} stream {name}",
        "IdentityFile": str(key),
        # Its signature by the host CA is what other tests are about.
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        **_ASK_NOTHING,
    }
    return SshClient(f"work@{name}.sshore", options, owner.environment)


def run(
    arguments: list[str] | tuple[str, ...],
    environment: Mapping[str, str],
    stdin: bytes | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    how: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(
        list(arguments), env=dict(environment), capture_output=True, timeout=timeout_s, cwd=cwd, **how
    )


_ASK_NOTHING = {"BatchMode": "yes", "IdentitiesOnly": "yes", "LogLevel": "ERROR"}
