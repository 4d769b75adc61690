"""Options by which `ssh` reaches a session through `sshore stream`, and the managed ssh_config made of them.

Imports little: `sshore ssh` waits for it.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

USER = "work"
CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"
"""The fastest first. The client's preference wins (RFC 4253 §7.1), and OpenSSH before 10.0 prefers AES-CTR with a
separate MAC, which is slower (docs/measurements.md). ``^`` would be shorter, but RHEL 8's OpenSSH does not know it."""
_PATTERNS = ("*.sshore", "*.SSHORE", "*.Sshore")
"""Patterns heed the case of what the user typed, host names do not."""
_ALL = ",".join(_PATTERNS)

_FRESH_MIN = 8
"""Minutes of the ten that a certificate is valid."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_")
"""What a shell takes as it is."""

Options = list[tuple[str, str]]


class SshFiles:
    """The user's files that `ssh` is told of, and the command that runs this program."""

    __slots__ = ("certificates", "client_key", "known_hosts", "sshore")

    def __init__(
        self, sshore: "Sequence[str]", known_hosts: "Path | str", client_key: "Path | str", certificates: "Path | str"
    ) -> None:
        self.sshore, self.known_hosts, self.client_key, self.certificates = (
            sshore,
            known_hosts,
            client_key,
            certificates,
        )


def host_options(files: SshFiles, host: str, certificate: str, proxy: str, *, fdpass: bool) -> Options:
    """The options for one host (ssh_config(5)): verified by the host CA, logged in by certificate, nothing asked.

    `proxy` is the ProxyCommand. `fdpass`: it hands its socket to `ssh` and ends, so that no process stands between.
    """
    return [
        ("User", USER),
        ("HostKeyAlias", host),  # whatever the user's ssh_config makes of the host's name
        *_reached_by(proxy, fdpass=fdpass),
        *_verified(files),
        *_logged_in(files, config_word(certificate)),
        ("Ciphers", CIPHERS),
    ]


def managed_config(files: SshFiles, for_openssh: str | None) -> str:
    """The file that the user's ssh_config includes: `ssh NAME.sshore` works from any program that reads it.

    `for_openssh` is the word that includes `openssh_config` (`include_line.include_word`, hidden). Without it, as on
    Windows, `ssh` reads the certificate before it has a stream.
    """
    stream = ("ProxyCommand", proxy_command(files.sshore, "stream", "%h"))
    verified = [("User", USER), *_verified(files), ("Ciphers", CIPHERS)]
    lines = [
        "# Written by `sshore config-ssh`; changes are lost. `sshore config-ssh --remove` takes it away.",
        "# ssh-copy-id finds any key there already, as the certificate lets it in: use `sshore keys add FILE.pub`.",
    ]
    hosts = [f"Host {' '.join(_PATTERNS)}"]
    if for_openssh is not None:
        lines += [
            "# Where ssh says that a program is not found, Sshore has moved: run `sshore config-ssh` once more.",
            "# For OpenSSH alone. libssh and Ruby's net-ssh pass such a condition over; Paramiko reads no other files,",
            "# and AsyncSSH knows no backslash in a pattern (glob(7)). They log in by keys of their user's own.",
            f"Match originalhost {_ALL}",
            f"    Include {for_openssh}",
            "# Where a user's own entry says `HostName NAME.sshore`, which is known when all has been read once.",
            f"Match final host {_ALL} !originalhost {_ALL}",
            f"    Include {for_openssh}",
            *hosts,
            *_indented([stream, *verified]),
        ]
        return "\n".join([*lines, ""])
    login = dict(_logged_in(files, _certificates(files)))
    lines += [
        # The condition is there for what it does: it fetches a certificate for the minutes to come.
        f'Match host *.sshore exec "{_certify(files.sshore)}"',
        *_indented([("CertificateFile", login.pop("CertificateFile"))]),
        *hosts,
        *_indented([stream, ("ProxyUseFdpass", "no"), *login.items(), *verified]),
    ]
    return "\n".join([*lines, ""])


def openssh_config(files: SshFiles, *, certificate_first: bool = False) -> str:
    """What is for OpenSSH alone: it reads key and certificate when the ProxyCommand has handed over the stream, with
    which the certificate comes. Other programs read them first, and know no ProxyUseFdpass.

    `certificate_first`: so does this OpenSSH; see `reads_certificate_first`.
    """
    stream = proxy_command(files.sshore, "stream", "--fdpass", "--certify", "%h")
    options = [*_reached_by(stream, fdpass=True), *_logged_in(files, _certificates(files))]
    lines = ["# Written by `sshore config-ssh`, and included by the file beside it.", *_indented(options)]
    if certificate_first:
        renew = quoted(_certify_unless_fresh(files))
        lines += [
            "# This OpenSSH reads the certificate before it has a stream: an old one is renewed before that, once. It",
            "# looks at these lines for every host, though they are included for some: so they name theirs.",
            f"Match originalhost {_ALL} !final exec {renew}",
            "    IdentitiesOnly yes",
            f"Match final host {_ALL} !originalhost {_ALL} exec {renew}",
            "    IdentitiesOnly yes",
        ]
    return "\n".join([*lines, ""])


def reads_certificate_first(version: str) -> bool:
    """Whether an OpenSSH (what ``ssh -V`` says) may read the certificate before it runs the ProxyCommand: 10.5 does,
    10.3 and older read it when they have the stream. 10.4 was not tried; it is right to say yes, which costs a quick
    look at the certificate's age."""
    import re  # `sshore ssh` does without

    found = re.match(r"OpenSSH_(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) > (10, 3)


def proxy_command(command: "Sequence[str]", *arguments: str) -> str:
    """A command line for ``ProxyCommand``, which goes through the user's shell; `arguments` may hold its tokens."""
    return " ".join([*(_shell_word(word).replace("%", "%%") for word in command), *arguments])


def config_word(path: "Path | str", *, tokens: bool = False) -> str:
    """A path as a word of ssh_config: quoted where it must be, percent signs doubled unless they are tokens.

    Raises:
        InvalidInput: there is no way to write it: ssh reads line by line, and replaces ``${NAME}`` in a file's name.
    """
    text = _posix(path)
    if "\n" in text or "${" in text:
        from sshore.core.errors import InvalidInput  # for the start-up time of those whose paths are plain

        raise InvalidInput(f"ssh cannot be told of {text!r}: choose another directory with SSHORE_CONFIG_DIR")
    text = text if tokens else text.replace("%", "%%")
    return quoted(text) if any(c in text for c in " \t#\"'\\") else text


def quoted(text: str) -> str:
    """A word as OpenSSH from 8.7 on reads it; before, a backslash quotes nothing, and a double quote cannot be had."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _reached_by(proxy: str, *, fdpass: bool) -> Options:
    return [("ProxyCommand", proxy), ("ProxyUseFdpass", "yes" if fdpass else "no")]


def _certificates(files: SshFiles) -> str:
    directory = _posix(files.certificates).replace("%", "%%")
    return config_word(f"{directory}/%h-cert.pub", tokens=True)


def _verified(files: SshFiles) -> Options:
    return [("UserKnownHostsFile", config_word(files.known_hosts)), ("StrictHostKeyChecking", "yes")]


def _logged_in(files: SshFiles, certificate: str) -> Options:
    return [
        ("IdentityFile", config_word(files.client_key)),
        ("CertificateFile", certificate),
        # An agent with many keys would use up the server's patience (MaxAuthTries) first.
        ("IdentitiesOnly", "yes"),
        # Whatever the user's ssh_config leaves out for all hosts.
        ("PubkeyAuthentication", "yes"),
        ("PreferredAuthentications", "publickey"),
    ]


def _indented(options: Options) -> list[str]:
    return [f"    {name} {value}" for name, value in options]


def _posix(path: "Path | str") -> str:
    text = path if isinstance(path, str) else path.as_posix()
    return text.replace("\\", "/") if sys.platform == "win32" else text


def _certify(sshore: "Sequence[str]") -> str:
    """The command that fetches a certificate, for Windows and where ssh_config is read as long ago."""
    # `sshore ssh` has fetched one already. `sh`, because the user's own shell may be no POSIX shell; no
    # double quotes, because OpenSSH before 8.7 cannot have them inside an argument.
    command = " ".join(_shell_word(word).replace("%", "%%") for word in sshore)
    if "'" in command or '"' in command:
        return f"{command} certify %h".replace('"', '\\"')
    return f"sh -c 'test x$SSHORE_CERTIFIED = x%h || exec {command} certify %h'"


def _certify_unless_fresh(files: SshFiles) -> str:
    """The same where the certificate is not of the last minutes; for OpenSSH from 10.4 on."""
    # IFS and -f instead of double quotes, which `Match exec` had trouble with.
    script = (
        f"IFS=; test x$SSHORE_CERTIFIED = x$1 || find $2 -mmin -{_FRESH_MIN} 2>/dev/null | grep -q . || "
        "{ shift 2; exec $@; }"
    )
    certificate = _shell_word(f"{_posix(files.certificates)}/".replace("%", "%%") + "%h-cert.pub")
    return f"sh -fc '{script}' sh %h {certificate} {proxy_command(files.sshore, 'certify', '%h')}"


def _shell_word(word: str) -> str:
    """As `shlex.quote` does, which takes longer to load than all this."""
    if sys.platform == "win32":  # cmd.exe knows double quotes only
        return f'"{word}"' if " " in word else word
    if word and _PLAIN.issuperset(word):
        return word
    within = word.replace("'", "'\"'\"'")
    return f"'{within}'"
