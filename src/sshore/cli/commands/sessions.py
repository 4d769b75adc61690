"""run, ls, show, logs, stop, start, rm."""

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress

import click

from sshore.cli.activity import activity_pairs, limits_in_time
from sshore.cli.arguments import session_argument, sessions_argument
from sshore.cli.completion import complete_engine, complete_folder, complete_image, complete_known_app, complete_session
from sshore.cli.failures import report, say, suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import age, json_option, print_json, print_pairs, print_table
from sshore.cli.resources import resource_options, resource_pairs
from sshore.cli.waiting import STEP_S, describe, wait_settled
from sshore.core.apps import check_app_name
from sshore.core.choices import KeyType, Network
from sshore.core.errors import EngineFailed, SshoreError
from sshore.core.names import check_session_name, session_of_host
from sshore.core.states import SessionState
from sshore.schema.session_messages import CreateSession, MountMessage, ResourcesMessage, SessionMessage
from sshore.sdk.client import Client

_PROGRAMS = {
    "bootstrap": "no bootstrap script has run in {}; set one with: sshore bootstrap set FILE",
    "entrypoint": "no entrypoint has run in {}; sessions that are made with sshore run --entrypoint run their image's",
}
"""Programs with a log of their own, and what is said where there is none."""

_no_wait = click.option("--no-wait", is_flag=True, help="Return at once.")
_limit = click.option("--wait-timeout", type=float, metavar="SECONDS", help="Give up waiting (exit status 5).")


@click.command()
@click.argument("name")
@click.option(
    "--engine", default="", shell_complete=complete_engine, help="Where it runs; the server's first engine by default."
)
@click.option(
    "--image", default="", shell_complete=complete_image, help="For engines that have images; see: sshore image ls."
)
@click.option("--root", is_flag=True, help="uid 0 inside, for those whom the administrator allows it.")
@click.option("--entrypoint", is_flag=True, help="Run the image's own entrypoint, too, beside SSH.")
@resource_options
@click.option("--network", type=click.Choice([str(one) for one in Network]), help="nat: outgoing only; none; host.")
@click.option(
    "--mount", "mounts", multiple=True, metavar="FOLDER[:PATH][:ro]", help="A storage folder; repeatable.",
    shell_complete=complete_folder,
)  # fmt: skip
@click.option("--key-type", type=click.Choice([str(one) for one in KeyType]), help="The session key's type.")
@click.option(
    "--app", "apps", multiple=True, help="An app to launch at the start; repeatable.", shell_complete=complete_known_app
)
@limits_in_time
@_no_wait
@_limit
@json_option
@click.pass_obj
def run(
    user: LocalUser,
    name: str,
    engine: str,
    image: str,
    root: bool,
    entrypoint: bool,
    resources: ResourcesMessage,
    network: str | None,
    mounts: tuple[str, ...],
    key_type: str | None,
    apps: tuple[str, ...],
    idle_timeout_s: float | None,
    ttl_s: float | None,
    no_wait: bool,
    wait_timeout: float | None,
    as_json: bool,
) -> None:
    """Make the session NAME and wait until it runs.

    Its account is `work`, its home /home/work. A session that does not fit waits, and says for what.
    """
    request = CreateSession(
        name=check_session_name(name),
        engine=engine,
        image=image,
        resources=resources,
        network=Network(network) if network else None,
        key_type=KeyType(key_type) if key_type else None,
        mounts=[_mount(text) for text in mounts],
        apps=[check_app_name(app) for app in apps],
        idle_timeout_s=idle_timeout_s,
        ttl_s=ttl_s,
        root=root,
        entrypoint=entrypoint,
    )
    with user.client() as client:
        session = client.create_session(request, wait_s=0 if no_wait else STEP_S, seen=None if no_wait else "")
        if not no_wait:
            session = _first_start(client, session, wait_timeout)
    for note in session.notes:
        say(note)
    if as_json:
        print_json(session)
    else:
        print(describe(session))
        _print_next_steps(session)


@click.command()
@click.option("--all", "everyone", is_flag=True, help="The sessions of all users (admins), who go by their IDs.")
@json_option
@click.pass_obj
def ls(user: LocalUser, everyone: bool, as_json: bool) -> None:
    """List sessions."""
    with user.client() as client:
        sessions = client.sessions(everyone=everyone)
    if as_json:
        print_json(sessions)
        return
    owner = ["ID", "OWNER"] if everyone else []
    print_table(
        ["NAME", *owner, "STATE", "APPS", "ENGINE", "AGE", "REASON"],
        [_row(session, everyone) for session in sessions],
        "there are no sessions yet; make one with: sshore run demo",
    )


@click.command()
@click.argument("name", default="", shell_complete=complete_session)
@click.option("--allowance", is_flag=True, help="What you may have at most, and what uses it.")
@json_option
@click.pass_obj
def show(user: LocalUser, name: str, allowance: bool, as_json: bool) -> None:
    """Show one session; or, with --allowance, what you may have at most."""
    if allowance is bool(name):
        raise click.UsageError("say which session: sshore show NAME, or sshore show --allowance")
    if allowance:
        _show_allowance(user, as_json)
        return
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        session = client.session(ref)
    if as_json:
        print_json(session)
    else:
        print_pairs(_pairs(session))


@click.command()
@session_argument
@click.argument("of", metavar="[bootstrap|entrypoint]", type=click.Choice(["session", *_PROGRAMS]), default="session")
@click.option("--tail", "tail_bytes", type=click.IntRange(1), metavar="BYTES", help="Only the last BYTES.")
@click.pass_obj
def logs(user: LocalUser, name: str, of: str, tail_bytes: int | None) -> None:
    """Show what a session's agent and daemons wrote; or, at the session's last start, your bootstrap script or the
    image's entrypoint."""
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        log = client.session_log(ref, tail_bytes, of=None if of == "session" else of)
    sys.stdout.write(log)
    if not log and of in _PROGRAMS:
        say(_PROGRAMS[of].format(ref))


@click.command()
@sessions_argument
@click.pass_obj
def stop(user: LocalUser, names: tuple[str, ...]) -> int:
    """Stop sessions. Their homes, keys and names stay; `sshore start` brings them back."""

    def stop_one(client: Client, ref: str) -> None:
        client.stop_session(ref)
        print(f"{ref} is stopped")

    return _each(user, names, stop_one)


@click.command()
@sessions_argument
@_no_wait
@_limit
@click.pass_obj
def start(user: LocalUser, names: tuple[str, ...], no_wait: bool, wait_timeout: float | None) -> int:
    """Start stopped sessions, with the apps they had. Mends a session whose agent is out of touch."""

    def start_one(client: Client, ref: str) -> None:
        session = client.start_session(ref, wait_s=0 if no_wait else STEP_S, seen=None if no_wait else "")
        if not no_wait:
            session = _wait(client, session, wait_timeout)
        print(describe(session))
        if session.previous_image_id and not no_wait:
            say(_other_image(session))
        for note in session.notes:
            say(f"{session.name}: {note}")
        for mount in session.mounts:
            if mount.missing and session.state is SessionState.RUNNING:
                say(_without(session, mount))

    return _each(user, names, start_one)


@click.command()
@sessions_argument
@click.option("--force", is_flag=True, help="Running sessions, too.")
@click.pass_obj
def rm(user: LocalUser, names: tuple[str, ...], force: bool) -> int:
    """Remove sessions and their homes. Storage folders stay."""

    def remove_one(client: Client, ref: str) -> None:
        client.remove_session(ref, force=force)
        _close_forwards(user, ref, client.login.address.url)
        print(f"{ref} is removed")

    return _each(user, names, remove_one)


def _show_allowance(user: LocalUser, as_json: bool) -> None:
    from sshore.cli.allowances import print_allowance  # nothing else here needs it

    with user.client() as client:
        found = client.allowance()
    print_json(found) if as_json else print_allowance(found)


def _each(user: LocalUser, names: tuple[str, ...], act: Callable[[Client, str], None]) -> int:
    """Act on each session, the others too when one fails; the first failure's exit status is returned."""
    status = 0
    with user.client() as client:
        for ref in map(session_of_host, names):
            try:
                with suggesting(client, ref):
                    act(client, ref)
            except SshoreError as error:
                status = status or report(error)
    return status


def _close_forwards(user: LocalUser, ref: str, server: str) -> None:
    """The local ports of a session that is no more lead nowhere, and its key opens nothing."""
    from sshore.proxy.client import connect  # nothing else here needs it

    with suppress(SshoreError):
        for closed in connect(user.config).close_forwards(ref, server=server):
            shutil.rmtree(user.config.session_key(closed.session_id).parent, ignore_errors=True)


def _first_start(client: Client, session: SessionMessage, limit_s: float | None) -> SessionMessage:
    """As `_wait`; of a session that never ran nothing is left."""
    try:
        return _wait(client, session, limit_s)
    except EngineFailed as error:
        failed = client.session(session.id)
        if failed.state is not SessionState.FAILED or failed.started_at:
            raise
        client.remove_session(failed.id, force=True)
        raise EngineFailed(f"session {failed.name!r} did not start: {failed.reason}") from error


def _other_image(session: SessionMessage) -> str:
    from sshore.core.images import short_id

    now, before = (short_id(image) for image in (session.image_id, session.previous_image_id))
    return f"{session.image} is another image than at the start before: now {now}, then {before}"


def _without(session: SessionMessage, mount: MountMessage) -> str:
    return (
        f"{session.name} runs without {mount.folder} at {mount.target}: it is {mount.missing}; to mount it no longer: "
        f"sshore unmount {session.name} {mount.target}"
    )


def _wait(client: Client, session: SessionMessage, limit_s: float | None) -> SessionMessage:
    try:
        return wait_settled(client, session, limit_s)
    except KeyboardInterrupt:
        print(f"sshore: {describe(session)}, and goes on by itself: sshore show {session.name}", file=sys.stderr)
        raise


def _mount(text: str) -> MountMessage:
    from sshore.core.folders import parse_mount

    mount = parse_mount(text)
    return MountMessage(mount.folder, mount.target, mount.read_only)


def _print_next_steps(session: SessionMessage) -> None:
    if session.state is SessionState.RUNNING:
        print_pairs(
            [
                ("  a shell in it:", f"sshore ssh {session.name}"),
                ("  a local port for any SSH or SFTP client:", f"sshore connect {session.name}"),
            ]
        )


def _row(session: SessionMessage, everyone: bool) -> list[str]:
    owner = [session.id, session.owner] if everyone else []
    apps = ",".join(session.launched)
    return [session.name, *owner, session.state, apps, session.engine, age(session.created_at), session.reason]


def _agent(session: SessionMessage) -> str:
    if session.linked:
        return "in touch"
    return "out of touch" if session.state == SessionState.RUNNING else ""


def _entrypoint(session: SessionMessage) -> str:
    if not session.entrypoint:
        return ""
    return session.entrypoint_state or f"runs with the session; see: sshore logs {session.name} entrypoint"


def _mounted(mount: MountMessage) -> str:
    notes = ["ro"] * mount.read_only
    if mount.missing:
        notes.append(f"not mounted: {mount.missing}")
    elif not mount.live:
        notes.append("from the next start on")
    notes += ["until it stops"] * (not mount.kept)
    return f"{mount.folder} at {mount.target}" + (f" ({', '.join(notes)})" if notes else "")


def _pairs(session: SessionMessage) -> list[tuple[str, str]]:
    return [
        ("name", session.name),
        ("id", session.id),
        ("owner", session.owner),
        ("state", session.state),
        ("reason", session.reason),
        ("agent", _agent(session)),
        ("apps", ", ".join(session.launched) or "none launched"),
        *(("note", note) for note in session.notes),
        ("engine", session.engine),
        ("image", session.image),
        ("image id", session.image_id),
        ("image digest", session.image_digest),
        ("image before", session.previous_image_id),
        ("entrypoint", _entrypoint(session)),
        ("root", "uid 0 inside" if session.root else ""),
        ("network", session.network),
        *resource_pairs(session),
        ("mounts", ", ".join(map(_mounted, session.mounts))),
        ("key type", session.key_type),
        ("host key", session.host_key_fingerprint),
        ("created", session.created_at),
        ("started", session.started_at or ""),
        *activity_pairs(session),
    ]
