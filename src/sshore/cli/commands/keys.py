"""key: download a session's private key."""

import sys
from pathlib import Path

import click

from sshore.cli.arguments import session_argument
from sshore.cli.failures import suggesting
from sshore.cli.user import User
from sshore.core.layout import KEY_FILE_NAME
from sshore.core.names import session_of_host
from sshore.sdk.private_files import write_private


@click.command()
@session_argument
@click.option("--format", "form", type=click.Choice(["openssh", "ppk", "ppk2"]), default="openssh", show_default=True)
@click.option("-o", "--output", default="", help="The file; - is stdout.  [default: ./id_container]")
@click.pass_obj
def key(user: User, name: str, form: str, output: str) -> None:
    """Download a session's private key, readable by you only (0600).

    ppk is for PuTTY 0.75 and later, FileZilla and WinSCP; ppk2 for older ones.
    """
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        found = client.session_key(ref)
    content = found.private_key if form == "openssh" else _ppk(found.private_key, form)
    if output == "-":
        sys.stdout.write(content)
        return
    path = Path(output or (KEY_FILE_NAME if form == "openssh" else f"{KEY_FILE_NAME}.ppk"))
    write_private(path, content)
    print(f"the private key of {found.name} is in {path}")


def _ppk(private_key: str, form: str) -> str:
    from sshore.profiles.openssh_key import read_private_key
    from sshore.profiles.ppk import write_ppk

    return write_ppk(read_private_key(private_key), version=2 if form == "ppk2" else 3)
