"""`sshore ssh` and `sftp`: a certificate for the session, its host CA, then OpenSSH's own programs.

client key (made once) ──▶ certificate for some minutes ──▶ ssh -o ProxyCommand="sshore stream …" work@NAME.sshore
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from sshore.cli.failures import suggesting
from sshore.cli.local_user import LocalUser, own_command
from sshore.core.errors import InvalidInput, NotFound, SshoreError
from sshore.core.names import FOLDER_PREFIX, HOST_SUFFIX, session_of_host
from sshore.profiles.known_hosts import with_authority
from sshore.profiles.ssh_config import SshFiles, host_options
from sshore.sdk.client import Client
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.private_files import make_private_directory, write_private

_SSH_VALUED = frozenset("BbcDEeFIiJLlmOopPQRSWw")
_SFTP_VALUED = frozenset("BbcDFiJloPRSsX")


def run_ssh(user: LocalUser, arguments: list[str]) -> NoReturn:
    """Run ``ssh NAME [OPTION…] [--] [COMMAND…]``; the process becomes `ssh`."""
    options, rest = split_options(arguments, _SSH_VALUED)
    if not rest:
        raise InvalidInput("usage: sshore ssh NAME [SSH-OPTION…] [--] [COMMAND…]")
    more, command = split_options(rest[1:], _SSH_VALUED)
    host, ours = prepare(user, rest[0])
    execute("ssh", [*ours, *options, *more, host, *(["--", *command] if command else [])], rest[0])


def run_sftp(user: LocalUser, arguments: list[str]) -> NoReturn:
    """Run ``sftp [OPTION…] NAME[:PATH]``; the process becomes `sftp`."""
    options, rest = split_options(arguments, _SFTP_VALUED)
    if not rest:
        raise InvalidInput("usage: sshore sftp [SFTP-OPTION…] NAME[:PATH]")
    more, left = split_options(rest[1:], _SFTP_VALUED)
    if left:
        raise InvalidInput("usage: sshore sftp [SFTP-OPTION…] NAME[:PATH]")
    if rest[0].startswith(FOLDER_PREFIX):
        run_folder_sftp(user, rest[0], [*options, *more])
    name, colon, path = rest[0].partition(":")
    host, ours = prepare(user, name)
    execute("sftp", [*ours, *options, *more, f"{host}{colon}{path}"], name)


def run_folder_sftp(user: LocalUser, place: str, options: list[str]) -> NoReturn:
    """Run `sftp` on a storage folder, without a session or SSH: the stream is the SFTP server's (sftp(1), -D)."""
    from sshore.cli.copying.folder_places import find_place

    with user.client() as client:
        folder = find_place(client, place)
    if folder.path:
        raise InvalidInput(f"name the folder alone, then cd: sshore sftp {FOLDER_PREFIX}{folder.ref}")
    stream = shlex.join([*own_command(), "stream", f"{FOLDER_PREFIX}{folder.ref}"])
    execute("sftp", [*options, "-D", stream], folder.ref)


def prepare(user: LocalUser, ref: str) -> tuple[str, list[str]]:
    """Launch SSH in a session, and return where `ssh` is to go and the options it needs to get there."""
    require("ssh-keygen")
    name = session_of_host(ref)
    with user.client() as client, suggesting(client, name):
        client.ensure_app(name, "ssh")
        certificate = client.certificate(name, client_public_key(user.config))
        trust(user.config, client)
        tls = client.login.address.is_tls
    path = user.config.certificate(certificate.session_id)
    write_private(path, certificate.certificate.strip() + "\n")
    _forget_old(path.parent)
    host = f"{certificate.name}{HOST_SUFFIX}"
    fdpass = not tls and sys.platform != "win32"
    options = host_options(ssh_files(user.config), name, str(path), fdpass=fdpass)
    options.append(("HostKeyAlias", host))  # whatever the user's ssh_config makes of the host's name
    return f"work@{host}", [word for key, value in options if key != "User" for word in ("-o", f"{key}={value}")]


def _forget_old(certificates: Path) -> None:
    """Remove the certificates of sessions that have not been visited for a day; they live for minutes."""
    yesterday = time.time() - 86400
    for path in certificates.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < yesterday:
                path.unlink()


def ssh_files(config: ConfigDir) -> SshFiles:
    certificates = config.certificate("any").parent
    return SshFiles(own_command(), config.known_hosts, config.client_key, certificates)


def trust(config: ConfigDir, client: Client) -> None:
    """Keep the server's host CA in the managed known_hosts."""
    old = config.known_hosts.read_text() if config.known_hosts.exists() else ""
    new = with_authority(old, client.login.address.url, client.trust().host_ca)
    if new != old:
        write_private(config.known_hosts, new)


def client_public_key(config: ConfigDir) -> str:
    """The public half of the client key, which is made at the first use."""
    path = config.client_key
    if not path.exists():
        _make_client_key(path)
    public = path.with_suffix(".pub")
    if public.exists():
        return public.read_text().strip()
    return _keygen("-y", "-f", str(path)).strip()


def _make_client_key(path: Path) -> None:
    make_private_directory(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent) as aside:
        made = Path(aside, path.name)
        _keygen("-q", "-t", "ed25519", "-N", "", "-C", "sshore", "-f", str(made))
        # Whoever comes second leaves the first one's key in its place.
        with suppress(FileExistsError):
            os.link(made, path)
            made.with_suffix(".pub").replace(path.with_suffix(".pub"))


def _keygen(*arguments: str) -> str:
    done = subprocess.run(["ssh-keygen", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SshoreError(f"ssh-keygen failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def execute(program: str, arguments: list[str], ref: str) -> NoReturn:
    """Become the program. Its exit status is the command's."""
    require(program)
    environment = ssh_environment(os.environ, ref)
    if sys.platform == "win32":  # exec returns to the shell at once there
        sys.exit(subprocess.run([program, *arguments], check=False, env=environment).returncode)
    os.execvpe(program, [program, *arguments], environment)


def ssh_environment(environment: Mapping[str, str], ref: str) -> dict[str, str]:
    """Where the user's ssh_config includes ours, the certificate need not be fetched a second time."""
    return {**environment, "SSHORE_CERTIFIED": f"{session_of_host(ref)}{HOST_SUFFIX}"}


def require(program: str) -> None:
    if shutil.which(program) is None:
        raise NotFound(f"{program} is not installed here: install OpenSSH's client programs (openssh-client)")


def split_options(words: list[str], valued: frozenset[str]) -> tuple[list[str], list[str]]:
    """Split leading options, as getopt(3) would, from what follows; ``--`` ends them and is dropped."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        if words[at] == "--":
            return words[:at], words[at + 1 :]
        letters = words[at][1:]
        first_valued = next((i for i, letter in enumerate(letters) if letter in valued), None)
        at += 2 if first_valued == len(letters) - 1 else 1
    return words[:at], words[at:]
