"""file ls, put, get, rm: user files; bootstrap set, show, on, off, rm: the bootstrap script."""

import os
import sys
from pathlib import Path

import click

from sshore.cli.completion import complete_file, completing
from sshore.cli.local_user import LocalUser, expanded
from sshore.cli.output import age, json_option, print_json, print_table
from sshore.core.errors import InvalidInput
from sshore.core.names import format_bytes
from sshore.core.user_files import MAX_FILE_BYTES, MAX_SCRIPT_BYTES, check_content, check_file_name, check_script

_complete = completing(lambda client, _: [file.name for file in client.user_files()])


@click.group()
def file() -> None:
    """User files, such as .bashrc, .vimrc and .gitconfig: each new session's home gets them.

    Homes that are there already stay as they are.
    """


@file.command()
@json_option
@click.pass_obj
def ls(user: LocalUser, as_json: bool) -> None:
    """List your user files."""
    with user.client() as client:
        found = client.user_files()
    if as_json:
        print_json(found)
        return
    rows = [[f.name, format_bytes(f.size), "yes" if f.executable else "no", age(f.updated_at)] for f in found]
    print_table(["FILE", "SIZE", "EXECUTABLE", "AGE"], rows, "there are no user files yet; sshore file put ~/.vimrc")


@file.command()
@click.argument("path", metavar="FILE", shell_complete=complete_file)
@click.option("--as", "name", default="", help="Its place below the home.  [default: FILE's place below yours]")
@json_option
@click.pass_obj
def put(user: LocalUser, path: str, name: str, as_json: bool) -> None:
    """Store FILE (- reads stdin, with --as); the homes of new sessions get it."""
    if path == "-" and not name:
        raise InvalidInput("name it: sshore file put - --as .vimrc")
    wanted = check_file_name(name or _place(Path(path)))
    content = check_content(wanted, _read(path, MAX_FILE_BYTES))
    executable = path != "-" and os.access(path, os.X_OK)
    with user.client() as client:
        stored = client.put_user_file(wanted, content, executable=executable)
    if as_json:
        print_json(stored)
    else:
        print(f"new sessions get ~/{stored.name} ({format_bytes(stored.size)})")


@file.command()
@click.argument("name", shell_complete=_complete)
@click.option("-o", "--output", default="-", help="The file to write; - is stdout.", show_default=True)
@click.pass_obj
def get(user: LocalUser, name: str, output: str) -> None:
    """Print a user file, or write it to a file."""
    with user.client() as client:
        content = client.user_file(name)
    if output == "-" and sys.stdout.isatty():
        sys.stdout.write(content.decode(errors="replace"))
    elif output == "-":
        sys.stdout.buffer.write(content)  # noqa: TID251 - no terminal
    else:
        Path(output).write_bytes(content)


@file.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=_complete)
@click.pass_obj
def rm(user: LocalUser, names: tuple[str, ...]) -> None:
    """Remove user files; homes that have them keep them."""
    with user.client() as client:
        for name in names:
            client.remove_user_file(name)
            print(f"new sessions do not get ~/{name} any more")


@click.group()
def bootstrap() -> None:
    """Your bootstrap script: runs in each session when it has started, as work, in the home.

    SSH does not wait for it, whatever it does. Its output: sshore logs NAME bootstrap
    """


@bootstrap.command("set")
@click.argument("path", metavar="FILE", shell_complete=complete_file)
@json_option
@click.pass_obj
def bootstrap_set(user: LocalUser, path: str, as_json: bool) -> None:
    """Store the script in FILE (- reads stdin). Without a first line such as #!/bin/bash, sh runs it."""
    data = _read(path, MAX_SCRIPT_BYTES)
    try:
        script = check_script(data.decode())
    except UnicodeDecodeError:
        raise InvalidInput(
            "the script is no UTF-8 text: a program goes into a folder, and the script calls it"
        ) from None
    with user.client() as client:
        stored = client.set_bootstrap(script)
    if as_json:
        print_json(stored)
    else:
        print("it runs at each start of a session from now on; what it writes: sshore logs NAME bootstrap")


@bootstrap.command("show")
@json_option
@click.pass_obj
def bootstrap_show(user: LocalUser, as_json: bool) -> None:
    """Print the script."""
    with user.client() as client:
        found = client.bootstrap()
    if as_json:
        print_json(found)
        return
    sys.stdout.write(found.script)
    if not found.enabled:
        print("sshore: it is off; sshore bootstrap on has it run again", file=sys.stderr)


@bootstrap.command("on")
@click.pass_obj
def bootstrap_on(user: LocalUser) -> None:
    """Have the script run again."""
    with user.client() as client:
        client.switch_bootstrap(enabled=True)
    print("the bootstrap script runs at each start of a session")


@bootstrap.command("off")
@click.pass_obj
def bootstrap_off(user: LocalUser) -> None:
    """Keep the script, but do not run it."""
    with user.client() as client:
        client.switch_bootstrap(enabled=False)
    print("the bootstrap script does not run; sshore bootstrap on has it run again")


@bootstrap.command("rm")
@click.pass_obj
def bootstrap_rm(user: LocalUser) -> None:
    """Remove the script."""
    with user.client() as client:
        client.remove_bootstrap()
    print("there is no bootstrap script any more")


def _read(path: str, most: int) -> bytes:
    """A file's content, and one byte more than it may have when it is larger."""
    if path == "-":
        return sys.stdin.buffer.read(most + 1)
    with Path(path).open("rb") as opened:
        return opened.read(most + 1)


def _place(path: Path) -> str:
    """Where a file lies below the user's own home; elsewhere, its name."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link's own place counts, not its target's
    own = expanded("~")
    return absolute.relative_to(own).as_posix() if absolute.is_relative_to(own) else path.name
