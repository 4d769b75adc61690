"""limit."""

import click

from sshore.cli.activity import activity_pairs, limits_in_time
from sshore.cli.arguments import session_argument
from sshore.cli.failures import suggesting
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json, print_pairs
from sshore.core.errors import InvalidInput
from sshore.core.names import session_of_host
from sshore.schema.session_messages import ChangeSession


@click.command()
@session_argument
@limits_in_time
@json_option
@click.pass_obj
def limit(user: LocalUser, name: str, idle_timeout_s: float | None, ttl_s: float | None, as_json: bool) -> None:
    """Change when a session stops by itself, also while it runs."""
    if idle_timeout_s is None and ttl_s is None:
        raise InvalidInput("say what to change: --idle-timeout DURATION, --ttl DURATION, or never")
    ref = session_of_host(name)
    with user.client() as client, suggesting(client, ref):
        session = client.change_session(ref, ChangeSession(idle_timeout_s, ttl_s))
    if as_json:
        print_json(session)
    else:
        print_pairs(activity_pairs(session))
