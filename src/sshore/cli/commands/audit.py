"""audit."""

from datetime import datetime

import click

from sshore.cli.local_user import LocalUser
from sshore.cli.output import age, json_option, print_json, print_table
from sshore.core.names import format_bytes, format_duration, parse_duration, session_of_host
from sshore.schema.audit_messages import StreamMessage


@click.command()
@click.option("--session", default="", metavar="NAME", help="Only streams to this session (name or id).")
@click.option("--user", "user_name", default="", metavar="NAME", help="Only this user's (admins).")
@click.option("--since", default="", metavar="DURATION", help="Only those that began so long ago, such as 2h or 7d.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The newest so many.")
@json_option
@click.pass_obj
def audit(user: LocalUser, session: str, user_name: str, since: str, limit: int, as_json: bool) -> None:
    """Show who connected to what: from where, how long, how many bytes, and how it ended.

    Your own sessions' streams; for admins, everybody's.
    """
    since_s = parse_duration(since) if since else None
    with user.client() as client:
        streams = client.audit(session=session_of_host(session), user=user_name, since_s=since_s, limit=limit)
    if as_json:
        print_json(streams)
        return
    print_table(
        ["AGE", "USER", "SESSION", "APP", "FROM", "CLIENT", "LASTED", "IN", "OUT", "END"],
        [_row(stream) for stream in streams],
        "no streams are recorded for this",
    )


def _row(stream: StreamMessage) -> list[str]:
    return [
        age(stream.started_at),
        stream.user,
        stream.session,
        stream.app,
        stream.address,
        stream.client,
        _lasted(stream),
        format_bytes(stream.bytes_in),
        format_bytes(stream.bytes_out),
        stream.end or "open",
    ]


def _lasted(stream: StreamMessage) -> str:
    if stream.ended_at is None:
        return age(stream.started_at)
    lasted = datetime.fromisoformat(stream.ended_at) - datetime.fromisoformat(stream.started_at)
    return format_duration(lasted.total_seconds())
