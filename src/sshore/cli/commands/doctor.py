"""doctor: what stands between a user and a session."""

import click

from sshore.cli.completion import complete_session
from sshore.cli.connecting.doctor import examine, may_serve_here
from sshore.cli.connecting.machine import examine_machine
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

    With NAME, as far as the SSH daemon in that session. The exit status is that of the error found. Where your server
    is on this machine, or you have none yet: what one that you start here can give sessions, and what it would miss.
    """
    status, found = 0, []
    for finding in examine(user, session_of_host(name)):
        found.append({"step": finding.step, "ok": finding.ok, "detail": finding.detail})
        if finding.error is not None:
            status = exit_status(finding.error)
        if not as_json:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.step:<16}  {finding.detail}", flush=True)
    if may_serve_here(user):
        if not as_json:
            print("\nA server that you start on this machine:")
        for part, ok, detail in examine_machine():
            found.append({"step": f"server here: {part}", "ok": ok, "detail": detail})
            if not as_json:
                print(f"{'ok  ' if ok else 'miss'}  {part:<16}  {detail}", flush=True)
    if as_json:
        print_json(found)
    return status
