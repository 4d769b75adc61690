"""Arguments that several commands have, with their completion."""

import click

from sshore.cli.completion import complete_app, complete_folder, complete_session, complete_target

session_argument = click.argument("name", shell_complete=complete_session)
"""NAME: a session's name, ``NAME.sshore`` or id."""

sessions_argument = click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_session)
"""NAME…, at least one."""

target_argument = click.argument("name", shell_complete=complete_target)
"""NAME: a session, or ``folder:NAME``."""

folder_argument = click.argument("name", shell_complete=complete_folder)
"""NAME: a folder's."""

app_argument = click.argument("app_name", metavar="APP", shell_complete=complete_app)
"""APP: one of the session that NAME names."""
