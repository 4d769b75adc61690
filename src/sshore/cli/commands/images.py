"""image, commit."""

import sys

import click

from sshore.cli.arguments import session_argument
from sshore.cli.completion import complete_image
from sshore.cli.failures import say, suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import age, json_option, print_json, print_table, progress
from sshore.cli.passwords import ask_password, password_stdin_option
from sshore.cli.pull_view import amount, pull_view
from sshore.core.images import check_registry, short_id
from sshore.core.names import format_bytes, session_of_host
from sshore.schema.image_messages import CommitSession, ImageMessage, ImagesMessage, RegistryLoginRequest
from sshore.schema.session_messages import PullMessage

_registry = click.argument("registry")


@click.group()
def image() -> None:
    """Images for sessions, on engines that have them."""


@image.command("ls")
@json_option
@click.pass_obj
def image_ls(user: LocalUser, as_json: bool) -> None:
    """List the images that are on the server, and say which may be pulled."""
    with user.client() as client:
        found = client.images()
    if as_json:
        print_json(found)
        return
    rows = [_row(one) for one in found.images]
    columns = ["NAME", "ID", "SIZE", "ARCH", "AGE", "OWNER", "ALLOWED", "SESSIONS"]
    print_table(columns, rows, _nothing(found))
    if found.engines and rows:
        print(_what_may_be_pulled(found), file=sys.stderr)


@image.command("pull")
@click.argument("name", metavar="IMAGE", shell_complete=complete_image)
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each step.")
@click.pass_obj
def image_pull(user: LocalUser, name: str, as_json: bool) -> None:
    """Get IMAGE, or its newest version, from its registry. Ctrl-C ends the pull."""
    last = PullMessage(name)
    with user.client() as client:
        if as_json:
            for last in client.pull_image(name):
                _print_line(last)
            return
        with pull_view(f"pulls {name}") as show:
            for last in client.pull_image(name):
                show(f"pulls {name}: {amount(last) or 'asks its registry'}", last)
    print(f"{name} is here" + (f" ({amount(last)})" if amount(last) else ""))


@image.command("rm")
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True, shell_complete=complete_image)
@click.pass_obj
def image_rm(user: LocalUser, names: tuple[str, ...]) -> None:
    """Remove images of your own. Admins remove any: others' as OWNER/IMAGE, or by id."""
    with user.client() as client:
        for name in names:
            removed = client.remove_image(name)
            print(f"{removed.ref} is removed")


@image.command("login")
@_registry
@click.option("-u", "--user", "--username", "username", required=True, help="At the registry.")
@password_stdin_option
@click.pass_obj
def image_login(user: LocalUser, registry: str, username: str, password_stdin: bool) -> None:
    """Have the server pull from REGISTRY with this login, for everybody who may name its images (admins)."""
    registry = check_registry(registry)
    password = ask_password(f"Password of {username} at {registry}", from_stdin=password_stdin)
    with user.client() as client:
        kept = client.log_in_to_registry(registry, RegistryLoginRequest(username, password))
    print(f"the server pulls from {kept.registry} as {kept.username} now")


@image.command("logout")
@_registry
@click.pass_obj
def image_logout(user: LocalUser, registry: str) -> None:
    """Have the server forget its login at REGISTRY (admins)."""
    registry = check_registry(registry)
    with user.client() as client:
        client.log_out_of_registry(registry)
    print(f"the login at {registry} is forgotten")


@image.command("logins")
@json_option
@click.pass_obj
def image_logins(user: LocalUser, as_json: bool) -> None:
    """List the server's logins at registries (admins); passwords are shown to nobody."""
    with user.client() as client:
        logins = client.registries()
    if as_json:
        print_json(logins)
        return
    sources = {"sshore": "sshore image login", "docker": "docker login, on the server"}
    rows = [[one.registry, one.username or "(by a helper)", sources.get(one.source, one.source)] for one in logins]
    print_table(["REGISTRY", "USER", "FROM"], rows, "there are no logins; make one with: sshore image login REGISTRY")


@click.command()
@session_argument
@click.argument("image", metavar="IMAGE")
@click.option("--no-pause", is_flag=True, help="Let the session's processes go on meanwhile.")
@json_option
@click.pass_obj
def commit(user: LocalUser, name: str, image: str, no_pause: bool, as_json: bool) -> None:
    """Keep what the session NAME has changed as IMAGE, from which you can start others.

    The home, mounted folders and the image's volumes are no part of it. Nobody else can use it. The session goes on;
    its processes stand still for as long as it takes.
    """
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref), progress(f"keeps {ref} as {image}"):
        made = client.commit_session(ref, CommitSession(image, not no_pause))
    if as_json:
        print_json(made)
        return
    print(f"{made.ref} is made: {format_bytes(made.size_bytes)}, id {short_id(made.id)}")
    say("the home, mounted folders and the image's volumes are no part of it")
    print(f"  a session of it: sshore run NAME --engine {made.engine} --image {made.ref}")


def _row(one: ImageMessage) -> list[str]:
    architecture = one.architecture if one.runs_here else f"{one.architecture} (not here)"
    size, allowed = format_bytes(one.size_bytes), "yes" if one.allowed else "no"
    sessions = str(one.sessions)
    return [one.ref, short_id(one.id), size, architecture, age(one.created_at), one.owner, allowed, sessions]


def _nothing(found: ImagesMessage) -> str:
    if not found.engines:
        return "no engine of this server has images: an administrator can add docker, see docs/docker.md"
    example = "IMAGE" if found.allowed else "debian:12"
    return f"there are no images here yet; get one with: sshore image pull {example}. {_what_may_be_pulled(found)}"


def _what_may_be_pulled(found: ImagesMessage) -> str:
    if not found.allowed:
        return "Any image may be pulled, by --image too."
    return f"These may be pulled, by --image too: {', '.join(found.allowed)}"


def _print_line(step: PullMessage) -> None:
    from dataclasses import asdict
    from json import dumps

    print(dumps(asdict(step)), flush=True)
