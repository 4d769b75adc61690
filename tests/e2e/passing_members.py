"""Users who come for the tests of a module and go again, with all they have."""

from collections.abc import Iterator

from deployment import Deployment, Owner
from ssh_client import SshClient, through_proxy_command


def passing_member(shared: Deployment, name: str) -> Iterator[Owner]:
    """For a fixture: a new user, who is removed with all data."""
    owner = shared.member(name)
    yield owner
    shared.cli("user", "rm", "--with-data", name)


def session(owner: Owner, name: str, *options: str) -> SshClient:
    """A client of a new session."""
    owner.run_session(name, *options)
    return through_proxy_command(owner, name, owner.key(name))


def give_up_everything(*owners: Owner) -> None:
    """Remove the owners' sessions, then their own folders."""
    for owner in owners:
        for one in owner.json("ls"):
            owner.remove(one["name"])
    for owner in owners:
        for folder in owner.json("folder", "ls"):
            if "/" not in folder["ref"]:
                owner.ok("folder", "rm", "--for-ever", folder["name"])
