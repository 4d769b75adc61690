"""Arguments that several commands have: a session's name, completed from the server."""

import click

from sshore.cli.user import User
from sshore.core.errors import SshoreError

_COMPLETION_TIMEOUT_S = 1.0


def complete_session(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The sessions whose names begin so; none when the server does not answer at once."""
    user = context.find_root().obj
    if not isinstance(user, User):
        return []
    try:
        with user.client(_COMPLETION_TIMEOUT_S) as client:
            return [session.name for session in client.sessions() if session.name.startswith(incomplete)]
    except SshoreError:
        return []


session_argument = click.argument("name", shell_complete=complete_session)
"""NAME: a session's name, ``NAME.sshore`` or id."""

sessions_argument = click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_session)
"""NAME…, at least one."""
