"""keys ls, keys add, keys rm: the user's own public keys."""

import os
import subprocess
import sys

import click

from sshore.cli.completion import Found, Item, complete_file, completing
from sshore.cli.connecting.openssh import require
from sshore.cli.failures import say
from sshore.cli.local_user import LocalUser, expanded
from sshore.cli.output import age, json_option, print_json, print_table
from sshore.core.errors import InvalidInput, NotFound, SshoreError, Unavailable
from sshore.core.public_keys import MAX_TEXT_BYTES, clean_comment, is_certificate_type, read_public_key_text
from sshore.schema.own_messages import OwnKeyMessage
from sshore.sdk.client import Client
from sshore.wire.problems import Code


@click.group()
def keys() -> None:
    """Your own public keys: registered once, they open all your sessions, those that run, too."""


@keys.command()
@json_option
@click.pass_obj
def ls(user: LocalUser, as_json: bool) -> None:
    """List your own keys."""
    with user.client() as client:
        found = client.own_keys()
    if as_json:
        print_json(found)
        return
    rows = [[k.id, k.name, k.type, str(k.bits), k.fingerprint, age(k.created_at)] for k in found]
    empty = "there are no own keys yet; add one with: sshore keys add ~/.ssh/id_ed25519.pub"
    print_table(["ID", "NAME", "TYPE", "BITS", "FINGERPRINT", "AGE"], rows, empty)


@keys.command()
@click.argument("file", default="", shell_complete=complete_file)
@click.option("--agent", is_flag=True, help="All keys of the running ssh-agent.")
@click.option("--name", default="", help="What to call it.  [default: the key's comment]")
@json_option
@click.pass_obj
def add(user: LocalUser, file: str, agent: bool, name: str, as_json: bool) -> None:
    """Register the public key in FILE (- reads stdin), or those of the running ssh-agent.

    It opens your sessions at once, those that run, too.
    """
    if agent == bool(file):
        raise InvalidInput(f"say one of: sshore keys add {_likely_file()}, or sshore keys add --agent")
    texts = _agent_keys() if agent else [_read(file)]
    if name and len(texts) > 1:
        raise InvalidInput(f"the agent has {len(texts)} keys, and a name is for one: leave --name out")
    with user.client() as client:
        added = _add_all(client, texts) if agent else [_add(client, texts[0], name)]
    if as_json:
        print_json(added if agent else added[0])
        return
    for key in added:
        print(f"the key {key.name} ({key.fingerprint}) opens all your sessions; its id is {key.id}")


def _add(client: Client, text: str, name: str) -> OwnKeyMessage:
    read_public_key_text(text)  # before anything is sent: it may be a private key
    return client.add_own_key(text, name)


def _add_all(client: Client, texts: list[str]) -> list[OwnKeyMessage]:
    """Register what the server takes; what it does not take is named, and keeps nothing else out."""
    added = []
    for text in texts:
        key_type, _, rest = text.partition(" ")
        try:
            added.append(_add(client, text, ""))
        except SshoreError as error:
            if error.problem.code is not Code.INVALID_INPUT:
                raise
            named = clean_comment(f"{key_type} {rest.partition(' ')[2]}")
            say(f"left out: {named}: {error.problem.detail}")
    if not added:
        raise InvalidInput("none of the agent's keys can be registered: make one with: ssh-keygen -t ed25519")
    return added


def _ids(client: Client, _context: click.Context) -> Found:
    return [Item(key.id, help=f"{key.name} ({key.type})") for key in client.own_keys()]


@keys.command()
@click.argument("ref", metavar="ID|FINGERPRINT|NAME", shell_complete=completing(_ids))
@json_option
@click.pass_obj
def rm(user: LocalUser, ref: str, as_json: bool) -> None:
    """Remove a key. Connections that it has opened end."""
    with user.client() as client:
        removed: OwnKeyMessage = client.remove_own_key(ref)
    if as_json:
        print_json(removed)
    else:
        print(f"the key {removed.name} ({removed.fingerprint}) opens nothing any more")


def _read(file: str) -> str:
    if file == "-":
        data = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    else:
        with expanded(file).open("rb") as opened:
            data = opened.read(MAX_TEXT_BYTES + 1)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell's > writes UTF-16
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "replace")


def _agent_keys() -> list[str]:
    """The lines of `ssh-add -L` that are keys; an agent may hold certificates beside them."""
    require("ssh-add")
    done = subprocess.run(
        ["ssh-add", "-L"], check=False, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL
    )
    if done.returncode == 2 or "SSH_AUTH_SOCK" not in os.environ:
        raise Unavailable("no ssh-agent is running here: start one with: eval $(ssh-agent); ssh-add")
    lines = [line for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []
    found = [line for line in lines if not is_certificate_type(line.split()[0])]
    if not found:
        raise NotFound("the ssh-agent has no keys: add one with: ssh-add")
    if len(found) < len(lines):
        say(f"certificates of the agent are left out, since they end by themselves: {len(lines) - len(found)}")
    return found


def _likely_file() -> str:
    directory = expanded("~/.ssh")
    names = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")
    there = next((name for name in names if (directory / f"{name}.pub").is_file()), names[0])
    return f"~/.ssh/{there}.pub"
