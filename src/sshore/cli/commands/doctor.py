"""doctor: what stands between a user and a session."""

import click

from sshore.cli.completion import complete_session
from sshore.cli.connecting.doctor import examine
from sshore.cli.failures import exit_status
from sshore.cli.local_user import LocalUser
from sshore.cli.output import json_option, print_json
from sshore.core.names import session_of_host


@click.command()
@click.argument("name", default="", shell_complete=complete_session)
@json_option
@click.pass_obj
def doctor(user: LocalUser, name: str, as_json: bool) -> int:
    """Examine everything that a connection needs, in order, and say what is wrong and how to mend it.

    With NAME, as far as the SSH daemon in that session. The exit status is that of the error found.
    """
    status, found = 0, []
    for finding in examine(user, session_of_host(name)):
        found.append({"step": finding.step, "ok": finding.ok, "detail": finding.detail})
        if finding.error is not None:
            status = exit_status(finding.error)
        if not as_json:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.step:<16}  {finding.detail}", flush=True)
    if as_json:
        print_json(found)
    return status
