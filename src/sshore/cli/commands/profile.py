"""profile: a session's profile for another program."""

import sys
from pathlib import Path

import click

from sshore.cli.arguments import session_argument
from sshore.cli.commands.forwards import local_proxy, open_forward
from sshore.cli.failures import say, suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import write_output
from sshore.core.apps import SSH
from sshore.core.names import session_of_host
from sshore.core.openssh_key import read_private_key
from sshore.profiles import sites
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
@click.pass_obj
def profile(user: LocalUser, name: str, program: str, output: Path | None) -> None:
    """Print a session's profile for another program; opens the session's local port for it.

    \b
    filezilla   for File > Import in FileZilla
    winscp      a section of WinSCP.ini
    putty       a .reg file: a saved session of PuTTY
    vscode      a link for VS Code's Remote-SSH; run sshore config-ssh first
    ssh-config  lines for an ssh_config
    """
    ref = session_of_host(name)
    text = _vscode(user, ref) if program == "vscode" else _WRITERS[program](_site(user, ref, program))
    if output is None:
        sys.stdout.write(text)
    else:
        write_output(output, text)
        print(f"the profile is in {output}")


def _vscode(user: LocalUser, ref: str) -> str:
    with user.client() as client, suggesting(client, ref):
        return sites.vscode_link(client.session(ref).name) + "\n"


def _site(user: LocalUser, ref: str, program: str) -> sites.Site:
    card = open_forward(user, local_proxy(user), ref, SSH, None)
    for note in card.notes:
        say(note)
    key_file = card.key_file if program in ("filezilla", "ssh-config") else _ppk_beside(Path(card.key_file))
    return sites.Site(card.session, card.port, key_file, card.known_hosts_file, card.host_key_fingerprint)


def _ppk_beside(key_file: Path) -> str:
    path = key_file.with_suffix(".ppk")
    write_private(path, write_ppk(read_private_key(key_file.read_text())))
    return str(path)
