"""The platform's own files in a session (`/run/sshore`), as text: what the agent and `sshd -i` read."""

import json
from collections.abc import Iterable, Mapping, Sequence

from sshore.core import layout
from sshore.core.own_keys import OwnKey

_GCM = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_CTR = ("aes128-ctr", "aes192-ctr", "aes256-ctr")
_CHACHA = "chacha20-poly1305@openssh.com"
_WELCOME_VARIABLES = "COLORTERM TERM_PROGRAM TERM_PROGRAM_VERSION NO_COLOR LC_TERMINAL LC_TERMINAL_VERSION GIT_PROTOCOL"
"""Facts of the client's terminal, and how its git speaks. Nothing by which a program is found, loaded or configured
(PATH, LD_*, PYTHON*): the session's own count. The locale is the agent's to say (`sshore.agent.locales`)."""
_MOST_VARIABLES = 192 << 10
"""Bytes. A daemon whose processes tell each other of more than 256 KiB of settings ends (OpenSSH, monitor_wrap.c)."""
# The daemon is no root's and can become nobody else. The words come before the refusal, which has none of its own.
_NOBODY_ELSE = f"""\
AllowUsers {layout.ACCOUNT}
Match User *,!{layout.ACCOUNT}
Banner {layout.WRONG_USER}
"""


def ciphers(cpu_has_aes: bool) -> str:
    """The ``Ciphers`` list. The client's preference wins (RFC 4253 §7.1): what is slow on this CPU is left out.

    With AES instructions that is chacha20, which OpenSSH clients prefer; without them it is AES-GCM, which our own
    ssh_config prefers (`sshore.profiles.ssh_config.CIPHERS`). AES-CTR is there for clients that know nothing newer.
    The end of the list is no better a place: `ssh` would take it from there all the same. docs/clients.md tells whom it
    concerns.
    """
    return ",".join((*_GCM, *_CTR) if cpu_has_aes else (_CHACHA, *_CTR))


def host_key_files(private_key: str, further: Sequence[str]) -> dict[str, str]:
    """Host keys by their paths in the session, each a certificate's, too (`certificate_file`)."""
    return {layout.HOST_KEY: private_key} | {f"{layout.HOST_KEY}_{n}": key for n, key in enumerate(further, start=2)}


def certificate_file(host_key_file: str) -> str:
    return f"{host_key_file}-cert.pub"


def sshd_config(environment: dict[str, str], host_keys: Iterable[str], *, cpu_has_aes: bool, root: bool = False) -> str:
    """The configuration of `sshd -i` (sshd_config(5)), run by the session's one account without privilege; of a
    session with `root`, whose root may log in, too. `host_keys` are their files."""
    keys = "".join(f"HostKey {path}\nHostCertificate {certificate_file(path)}\n" for path in host_keys)
    late = late_variables(environment)
    set_env = " ".join(_quote(f"{name}={value}") for name, value in environment.items() if name not in late)
    return f"""\
# Written by Sshore; changes are lost.
{keys}\
AuthorizedKeysFile {layout.AUTHORIZED_KEYS} .ssh/authorized_keys
TrustedUserCAKeys {layout.USER_CA}
AuthorizedPrincipalsFile {layout.PRINCIPALS}
{_common(cpu_has_aes)}\
AllowTcpForwarding yes
AllowStreamLocalForwarding yes
StreamLocalBindUnlink yes
AllowAgentForwarding yes
X11Forwarding yes
PrintMotd no
PrintLastLog no
PidFile none
LogLevel INFO
# The stream's ends find dead peers; silence is not death.
TCPKeepAlive no
ClientAliveInterval 0
MaxSessions 100
AcceptEnv {_WELCOME_VARIABLES}
SetEnv {set_env}
{"" if root else _NOBODY_ELSE}"""


def _common(cpu_has_aes: bool) -> str:
    """What holds wherever `sshd` runs for us: keys only, for the one account."""
    return f"""\
Include {layout.KIT_SSHD_CONFIG}
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
# Folders come from anywhere, with any owner and mode; the account is the only one.
StrictModes no
UseDNS no
# Each key that an agent offers before the right one counts. Keys cannot be guessed: a limit guards nothing.
MaxAuthTries 100
Ciphers {ciphers(cpu_has_aes)}
Subsystem sftp internal-sftp
"""


def folder_sshd_config(host_keys: Iterable[str], *, cpu_has_aes: bool) -> str:
    """The configuration of an `sshd -i` that is confined to a storage folder and allows nothing but SFTP there. The
    engine adds the one line that it lacks, `ForceCommand`: how the folder's SFTP server is started."""
    keys = "".join(f"HostKey {path}\n" for path in host_keys)
    return f"""\
{keys}\
AuthorizedKeysFile {layout.AUTHORIZED_KEYS}
{_common(cpu_has_aes)}\
DisableForwarding yes
PermitTTY no
PermitUserRC no
PrintMotd no
PrintLastLog no
PidFile none
TCPKeepAlive no
"""


def authorized_keys(session_key: str, own_keys: Sequence[OwnKey] = ()) -> str:
    """The session key and the owner's own keys. Each own key follows a comment with its fingerprint, by which the
    agent, which computes none, knows the connections that a key has opened."""
    own = [f"# {key.fingerprint} {key.name}\n{key.public_key}\n" for key in own_keys]
    return "".join([f"{session_key}\n", *own])


def agent_config(
    session_id: str,
    token: str,
    apps: Iterable[str],
    environment: Mapping[str, str] | None = None,
    *,
    bootstrap: bool = False,
    entrypoint: Sequence[str] = (),
    working_dir: str = "",
    shell: str = "",
    notes: Sequence[str] = (),
) -> str:
    """What the agent is told: `session`, `token`, `gateway` (a Unix socket's path), `apps` to launch at once,
    the `environment` of apps beside ssh, which gets it by `sshd_config`, the `bootstrap` script, if any, the
    image's `entrypoint`, if it is to run, with the directory that it starts in, the login `shell` that the owner
    wishes, and `notes` for the owner."""
    return json.dumps(
        {
            "session": session_id,
            "token": token,
            "gateway": f"{layout.LINK}/{layout.LINK_SOCKET_NAME}",
            "apps": [{"name": name} for name in apps],
            "environment": dict(environment or {}),
            "bootstrap": layout.BOOTSTRAP if bootstrap else "",
            "entrypoint": list(entrypoint),
            "working_dir": working_dir,
            "shell": shell,
            "notes": list(notes),
        }
    )


def late_variables(environment: Mapping[str, str]) -> set[str]:
    """The variables that sshd cannot set: no line of its configuration can hold those of several lines and, where all
    are too many for it, the longest. Logins get them by their shell (`core.logins`)."""
    late = {name for name, value in environment.items() if set(name + value) & set("\n\r")}
    sizes = {
        name: len(name.encode()) + len(value.encode()) + 8 for name, value in environment.items() if name not in late
    }
    room = _MOST_VARIABLES - sum(sizes.values())
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if room >= 0:
            break
        late.add(name)
        room += sizes[name]
    return late


def _quote(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
