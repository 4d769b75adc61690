"""What one user may have at most: an administrator says it, everybody can read it, and refusals name it."""

import http.client
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest
from deployment import Deployment, Owner
from host_processes import until

from integration.command_line import SSHORE

USAGE, NOT_FOUND, REFUSED = 2, 3, 4
MIB = 1 << 20
_numbers = count()


@dataclass
class Member:
    """A member of her own for each test; `allow` is what the administrator does."""

    owner: Owner
    name: str
    shared: Deployment

    def allow(self, *words: str) -> Any:
        return self.shared.admin.json("user", "allow", self.name, *words)

    def refused(self, *words: str) -> str:
        done = self.owner.run(*words)
        assert done.returncode == REFUSED, done.stderr
        return done.stderr.decode()


@pytest.fixture
def member(shared: Deployment) -> Iterator[Member]:
    name = f"share-{next(_numbers)}"
    yield Member(shared.member(name), name, shared)
    shared.cli("user", "rm", "--with-data", name)


def test_sessions_are_counted_and_what_they_use_together(member: Member) -> None:
    """The third is refused, with the names of the others; what is over the processors waits, and starts in its turn."""
    member.allow("sessions=2", "cpus=1", "ttl=8h")
    first = member.owner.run_session("one", "--cpus", "0.8", "--network", "none")
    assert first["ttl_s"] == 8 * 3600
    waiting = member.owner.run_session("two", "--cpus", "0.5", "--network", "none", "--no-wait")
    shown = until(lambda: (said := member.owner.json("show", "two"))["reason"] and said, "it says what it waits for")
    assert shown["state"] == "pending"
    assert shown["reason"] == "waits for 0.5 CPUs (0.2 of 1 are free) of its owner's allowance, which one uses"
    assert "allowance of sessions is 2; you have one, two: remove one" in member.refused("run", "three")
    assert "wants 2 CPUs, and your allowance is 1" in member.refused("run", "three", "--cpus", "2")
    assert "your allowance of --ttl is 8h" in member.refused("limit", "one", "--ttl", "never")
    lines = {line.split()[0]: line.split() for line in member.owner.ok("show", "--allowance").splitlines()}
    assert lines["sessions"][1:3] == ["2", "2"]
    assert lines["cpus"][1:3] == ["0.8", "1"]
    member.owner.ok("stop", "one")
    until(lambda: member.owner.json("show", waiting["id"])["state"] == "running", "the other one starts")


def test_streams_are_counted_while_they_are_open(member: Member) -> None:
    member.allow("streams=1")
    member.owner.run_session("box", "--network", "none")
    with subprocess.Popen(
        [SSHORE, "stream", "box"], env=member.owner.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline().startswith(b"SSH-2.0-")
        assert "your allowance of open streams is 1, and as many are open" in member.refused("stream", "box")
        (share,) = (one for one in member.owner.json("show", "--allowance")["shares"] if one["name"] == "streams")
        assert (share["used"], share["most"], share["own"]) == (1, 1, True)
        first.kill()
    until(lambda: member.owner.run("ssh", "box", "true").returncode == 0, "the one that has ended makes room")


def test_a_home_and_the_folders_hold_what_they_may(member: Member) -> None:
    """On a disk without quotas, as here: what is over is said, and such a session does not start again."""
    member.allow("home=8m", "folders=4m")
    box = member.owner.run_session("box", "--network", "none")
    member.owner.ok("ssh", "box", "head -c 9M /dev/urandom >big")
    home = json.loads(member.owner.ok("show", "box", "--json"))["home"]
    assert home["used_bytes"] > home["most_bytes"] == 8 * MIB and "project quotas" in home["not_held"]
    assert "above the 8 MiB of your allowance of home" in member.owner.ok("show", "box")
    member.owner.ok("stop", box["id"])
    assert "holds 9 MiB, and your allowance of home is 8 MiB: an administrator" in member.refused("start", "box")
    member.allow("home=none")
    member.owner.ok("start", "box")
    member.owner.ok("folder", "create", "data")
    assert member.owner.json("folder", "usage")["quota_bytes"] == 4 * MIB
    member.shared.cli("folder", "quota", member.name, "64m")
    lines = {line.split()[0]: line.split() for line in member.owner.ok("show", "--allowance").splitlines()}
    assert lines["folders"][3:5] == ["64", "MiB"] and lines["home"][1:3] == ["no", "limit"]


def test_a_folder_that_is_over_is_for_reading_at_the_next_start(member: Member) -> None:
    member.owner.ok("folder", "create", "data")
    member.owner.run_session("box", "--network", "none", "--mount", "data")
    member.owner.ok("ssh", "box", "head -c 3M /dev/urandom >data/big")
    member.allow("folders=2m")
    member.owner.ok("stop", "box")
    member.owner.ok("start", "box")
    assert b"Read-only file system" in member.owner.run("ssh", "box", "touch data/new").stderr
    assert "the folder 'data' is mounted for reading: its owner's allowance" in member.owner.ok("show", "box")
    member.allow("folders=none")
    member.owner.ok("stop", "box")
    member.owner.ok("start", "box")
    member.owner.ok("ssh", "box", "touch data/new")


def test_a_groups_allowance_is_its_members(member: Member) -> None:
    """Nobody's own, it comes before the server's default; it goes when the member or the group goes."""
    admin, group = member.shared.admin, f"lab-{member.name}"
    assert admin.json("group", "create", group) == {"name": group, "members": [], "limits": {}}
    admin.ok("group", "join", group, member.name)
    assert admin.json("group", "allow", group, "cpus=1", "gpus=none")["members"] == [member.name]
    assert "cpus=1, gpus=none" in admin.ok("group", "ls")
    assert "wants 2 CPUs, and your allowance is 1" in member.refused("run", "box", "--cpus", "2")
    assert f"1 (group {group})" in member.owner.ok("show", "--allowance")
    member.allow("cpus=3")
    (cpus,) = (one for one in member.owner.json("show", "--allowance")["shares"] if one["name"] == "cpus")
    assert (cpus["most"], cpus["own"], cpus["group"]) == (3, True, "")
    member.allow("--reset")
    assert "only an admin" in member.refused("group", "ls")
    assert admin.run("group", "leave", group, "nosuch").returncode == NOT_FOUND
    admin.ok("group", "leave", group, member.name)
    assert "group" not in member.owner.ok("show", "--allowance")
    assert admin.json("group", "allow", group, "--reset")["limits"] == {}
    admin.ok("group", "rm", group)
    assert group not in admin.ok("group", "ls")


def test_an_administrator_gives_takes_back_and_sees(member: Member) -> None:
    given = {one["name"]: one for one in member.allow("gpus=0", "memory=1g", "sessions=none")["shares"]}
    assert (given["gpus"]["most"], given["memory"]["most"], given["sessions"]["most"]) == (0, 1 << 30, None)
    assert "administrator can allow you more" in member.refused("run", "box", "--gpus", "1")
    # One that does not say takes a quarter.
    assert member.owner.run_session("box", "--network", "none")["resources"]["memory_bytes"] == 256 << 20
    assert "only an admin" in member.refused("user", "allow", member.name, "--reset")
    reset = {one["name"]: one for one in member.allow("--reset")["shares"]}
    assert (reset["gpus"]["most"], reset["sessions"]["most"], reset["sessions"]["own"]) == (None, 50, False)
    wrong = member.shared.admin.run("user", "allow", member.name, "session=3")
    assert (wrong.returncode, b"did you mean sessions?" in wrong.stderr) == (USAGE, True)
    (no_name,) = {member.owner.run(*words).returncode for words in (["show"], ["show", "--allowance", "box"])}
    assert no_name == USAGE


def test_who_waits_in_many_requests_keeps_nobody_from_being_served(member: Member) -> None:
    """A session that is stopping, and whose agent does not hear of it, lets requests wait: 64 of one user's do, the
    others are refused at once; the administrator is served.

    The agent is killed after five seconds, so that nothing here starts a program meanwhile."""
    session = f"sessions/{member.owner.run_session('box', '--network', 'none')['id']}"
    admin = member.shared.admin
    with ExitStack() as stack:
        asking = [stack.enter_context(closing(Asking(member.shared.url, member.owner.token))) for _ in range(82)]
        stopping, looking, *waiting = asking
        other = stack.enter_context(closing(Asking(member.shared.url, admin.token)))
        agent_of(member.shared, session).send_signal(signal.SIGSTOP)
        stopping.ask("POST", f"{session}/stop")
        until(lambda: looking.ask("GET", session).answer()["state"] == "stopping", "it stops")
        for one in waiting:
            one.ask("GET", f"{session}?wait_s=30")
        assert looking.ask("GET", session).answer()["state"] == "stopping"
        assert isinstance(other.ask("GET", "sessions").answer(), list)
        codes = [one.answer().get("code") for one in waiting]
        stopping.answer()
    refusals = [code for code in codes if code]
    assert set(refusals) == {"allowance_exceeded"}
    assert len(refusals) == 80 - 64


def agent_of(shared: Deployment, session: str) -> psutil.Process:
    record = json.loads((shared.state / "sandbox" / "records" / f"{Path(session).name}.json").read_text())
    return psutil.Process(record["agent"]["pid"])


class Asking:
    """One connection to the server, which sends a request now and reads its answer later."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._connection.connect()
        self._headers = {"Authorization": f"Bearer {token}"}
        self.close = self._connection.close

    def ask(self, method: str, what: str) -> "Asking":
        self._connection.request(method, f"/api/v1/{what}", headers=self._headers)
        return self

    def answer(self) -> Any:
        return json.load(self._connection.getresponse())
