"""Options by which `ssh` reaches a session through `sshore stream`, and the managed ssh_config made of them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

USER = "work"
PATTERN = "*.sshore"
CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
"""The fastest first. The client's preference wins (RFC 4253 §7.1), and OpenSSH before 10.0 prefers AES-CTR with a
separate MAC, which is slower (docs/measurements.md). ``^`` would be shorter, but RHEL 8's OpenSSH does not know it."""


@dataclass(frozen=True, slots=True)
class SshFiles:
    """The user's files that `ssh` is told of, and the command that runs this program."""

    sshore: Sequence[str]
    known_hosts: Path
    client_key: Path
    certificates: Path


def host_options(files: SshFiles, host: str, certificate: str, *, fdpass: bool = False) -> list[tuple[str, str]]:
    """The options for one host (ssh_config(5)): verified by the host CA, logged in by certificate, nothing asked.

    `fdpass`: the ProxyCommand hands its socket to `ssh` and ends, so that no process stands between.
    """
    stream = ["stream", "--fdpass"] if fdpass else ["stream"]
    return [
        ("User", USER),
        ("ProxyCommand", proxy_command(files.sshore, *stream, host)),
        ("ProxyUseFdpass", "yes" if fdpass else "no"),
        ("UserKnownHostsFile", config_word(files.known_hosts)),
        ("StrictHostKeyChecking", "yes"),
        ("IdentityFile", config_word(files.client_key)),
        ("CertificateFile", config_word(certificate)),
        # An agent with many keys would use up the server's patience (MaxAuthTries) first.
        ("IdentitiesOnly", "yes"),
        ("Ciphers", CIPHERS),
    ]


def managed_config(files: SshFiles) -> str:
    """The file that the user's ssh_config includes: `ssh NAME.sshore` works from any program that reads it."""
    certificate = f"{files.certificates.as_posix()}/%h-cert.pub"
    options = host_options(files, "%n", "")
    lines = [f"    {name} {value}" for name, value in options if name != "CertificateFile"]
    return "\n".join(
        [
            "# Written by `sshore config-ssh`; changes are lost. `sshore config-ssh --remove` takes it away.",
            # The condition is there for what it does: it fetches a certificate for the minutes to come.
            f'Match host {PATTERN} exec "{_certify(files.sshore)}"',
            f"    CertificateFile {config_word(certificate, tokens=True)}",
            f"Host {PATTERN}",
            *lines,
            "",
        ]
    )


def proxy_command(sshore: Sequence[str], *arguments: str) -> str:
    """A command line for ``ProxyCommand``, which goes through the user's shell and may have ``%n`` in it."""
    return " ".join([*(_shell_word(word).replace("%", "%%") for word in sshore), *arguments])


def config_word(path: Path | str, *, tokens: bool = False) -> str:
    """A path as a word of ssh_config: quoted where it must be, percent signs doubled unless they are tokens."""
    text = path if isinstance(path, str) else path.as_posix()
    text = text if tokens else text.replace("%", "%%")
    return f'"{text}"' if any(c in text for c in ' \t#"') else text


def _certify(sshore: Sequence[str]) -> str:
    # `sshore ssh` has fetched one already. `sh`, because the user's own shell may be no POSIX shell; no
    # double quotes, because OpenSSH before 8.7 cannot have them inside an argument.
    command = " ".join(_shell_word(word).replace("%", "%%") for word in sshore)
    if "'" in command or '"' in command:
        return f"{command} certify %n".replace('"', '\\"')
    return f"sh -c 'test x$SSHORE_CERTIFIED = x%n || exec {command} certify %n'"


def _shell_word(word: str) -> str:
    # cmd.exe knows double quotes only.
    if "\\" in word:
        return f'"{word}"' if " " in word else word
    return shlex.quote(word)
