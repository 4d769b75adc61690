"""key: download a session's private key."""

import sys
from pathlib import Path

import click

from sshore.cli.arguments import session_argument
from sshore.cli.failures import suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import write_output
from sshore.core.errors import Conflict, SshoreError
from sshore.core.layout import KEY_FILE_NAME
from sshore.core.names import session_of_host
from sshore.core.openssh_key import PrivateKey, read_private_key
from sshore.profiles.ppk import public_blob_of_ppk, write_ppk


@click.command()
@session_argument
@click.option("--format", "form", type=click.Choice(["openssh", "ppk", "ppk2"]), default="openssh", show_default=True)
@click.option("-o", "--output", default="", metavar="FILE", help="- is stdout.  [default: ./id_container, or .ppk]")
@click.option("--force", is_flag=True, help="Replace a file that holds something else.")
@click.pass_obj
def key(user: LocalUser, name: str, form: str, output: str, force: bool) -> None:
    """Download a session's private key, readable by you only (0600).

    ppk is for PuTTY 0.75 and later, FileZilla and WinSCP; ppk2 for older ones.
    """
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        found = client.session_key(ref)
    own = read_private_key(found.private_key)
    content = found.private_key if form == "openssh" else write_ppk(own, version=2 if form == "ppk2" else 3)
    if output == "-":
        sys.stdout.write(content)
        return
    path = Path(output or (KEY_FILE_NAME if form == "openssh" else f"{KEY_FILE_NAME}.ppk"))
    if not force:
        _check_own(path, own)
    write_output(path, content)
    print(f"the private key of {found.name} is in {path}")


def _check_own(path: Path, own: PrivateKey) -> None:
    """Let a file pass that is not there, or holds this very key in some form."""
    if not path.exists():
        return
    try:
        text = path.read_text(errors="replace")
        blob = public_blob_of_ppk(text) or read_private_key(text).public_blob
    except SshoreError:
        blob = b""
    if blob != own.public_blob:
        what = "the key of another session" if blob else "something else"
        raise Conflict(f"{path} holds {what}: name another file with -o FILE, or replace it with --force")
