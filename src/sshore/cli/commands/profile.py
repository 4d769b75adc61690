"""profile: a session's profile for another program."""

import os
import shlex
import sys
from pathlib import Path

import click

from sshore.cli.arguments import session_argument
from sshore.cli.commands.forwards import local_proxy, open_forward
from sshore.cli.failures import say, suggesting
from sshore.cli.installing.filezilla import FilezillaDirectory, find_filezilla_directory
from sshore.cli.installing.own_files import read_own
from sshore.cli.installing.putty import PuttyDirectory, find_putty_directory
from sshore.cli.local_user import LocalUser, home
from sshore.cli.output import write_output
from sshore.cli.own_command import own_command
from sshore.core.apps import SSH
from sshore.core.errors import InvalidInput
from sshore.core.names import FOLDER_PREFIX, HOST_SUFFIX, session_of_host
from sshore.core.openssh_key import read_private_key
from sshore.profiles import putty_files, sites
from sshore.profiles.known_hosts import host_keys_at
from sshore.profiles.ppk import write_ppk
from sshore.sdk.private_files import write_private

_WRITERS = {
    "filezilla": sites.filezilla_site,
    "winscp": sites.winscp_session,
    "putty": sites.putty_session,
    "ssh-config": sites.ssh_config_lines,
}


@click.command()
@session_argument
@click.argument("program", metavar="PROGRAM", type=click.Choice([*_WRITERS, "vscode"]))
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="A file instead of stdout.")
@click.option("--install", is_flag=True, help="Put it, and the host key, where putty or filezilla look (not Windows).")
@click.pass_obj
def profile(user: LocalUser, name: str, program: str, output: Path | None, install: bool) -> None:
    """Print a session's profile for another program; opens the session's local port for it.

    \b
    filezilla   for File > Import in FileZilla
    winscp      a section of WinSCP.ini
    putty       a .reg file: a saved session of PuTTY
    vscode      a link for VS Code's Remote-SSH; run sshore config-ssh first
    ssh-config  lines for an ssh_config
    """
    ref = session_of_host(name)
    if install:
        _install(user, ref, program, output)
        return
    text = _vscode(user, ref) if program == "vscode" else _WRITERS[program](_site(user, ref, program))
    if output is None:
        sys.stdout.write(text)
    else:
        write_output(output, text)
        print(f"the profile is in {output}")


def _install(user: LocalUser, ref: str, program: str, output: Path | None) -> None:
    installers = {"putty": _install_putty, "filezilla": _install_filezilla}
    if program not in installers or output is not None:
        raise InvalidInput("--install goes with putty or filezilla, and without -o")
    if sys.platform == "win32":
        raise InvalidInput(f"on Windows import the profile: sshore profile {ref} {program} -o FILE")
    site = _site(user, ref, program)
    print(installers[program](user, site))


def _install_putty(user: LocalUser, site: sites.Site) -> str:
    putty = _putty(user)
    putty.save_session(site.name, putty_files.forward_session(site))
    putty.trust_host_keys(site, _host_keys(site))
    if site.name.startswith(FOLDER_PREFIX):
        return f"PuTTY has the session {site.name}; try: psftp -load {shlex.quote(site.name)}"
    return f"PuTTY has the sessions {site.name} and {_install_by_name(user, putty, site)}; try: plink -load {site.name}"


def _install_by_name(user: LocalUser, putty: PuttyDirectory, site: sites.Site) -> str:
    with user.client() as client:
        putty.trust_host_ca(f"sshore {client.login.address.authority}", client.trust().host_ca)
    host = f"{site.name}{HOST_SUFFIX}"
    putty.save_session(host, putty_files.named_session(site.name, site.key_file, own_command()))
    return host


def _install_filezilla(user: LocalUser, site: sites.Site) -> str:
    filezilla = FilezillaDirectory(find_filezilla_directory(os.environ, home()), user.config.session_keys)
    filezilla.save_site(site)
    filezilla.trust_host_key(site, _host_keys(site)[0])
    _putty(user).trust_host_keys(site, _host_keys(site))
    return f"FileZilla has the site {site.name}; try: filezilla --site={shlex.quote(f'0/{site.name}')}"


def _putty(user: LocalUser) -> PuttyDirectory:
    return PuttyDirectory(find_putty_directory(os.environ, home()), user.config.session_keys)


def _host_keys(site: sites.Site) -> list[str]:
    return host_keys_at(read_own(Path(site.known_hosts)), site.port)


def _vscode(user: LocalUser, ref: str) -> str:
    with user.client() as client, suggesting(client, ref):
        return sites.vscode_link(client.session(ref).name) + "\n"


def _site(user: LocalUser, ref: str, program: str) -> sites.Site:
    card = open_forward(user, local_proxy(user), ref, SSH, None)
    for note in card.notes:
        say(note)
    key_file = card.key_file if program in ("filezilla", "ssh-config") else _ppk_beside(Path(card.key_file))
    further = tuple(card.host_key_fingerprints.values())[1:]
    return sites.Site(card.session, card.port, key_file, card.known_hosts_file, card.host_key_fingerprint, further)


def _ppk_beside(key_file: Path) -> str:
    path = key_file.with_suffix(".ppk")
    write_private(path, write_ppk(read_private_key(key_file.read_text("ascii", "replace"))))
    return str(path)
