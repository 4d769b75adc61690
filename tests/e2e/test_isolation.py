"""Two owners on one server: neither sees, uses or disturbs what is the other's, by the API or from inside a session."""

import json
import os
import shlex
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from deployment import Deployment, Owner
from host_processes import bwraps_of, leave_sleeping
from programs import need, need_that
from ssh_client import SshClient, through_proxy_command

from sshore.core import layout
from sshore.sdk.address import parse_server_url
from sshore.sdk.blocking_stream import open_stream
from sshore.sdk.errors import ApiError
from sshore.sdk.stream_head import StreamTarget
from sshore.wire.heads import link_request

NOT_FOUND, REFUSED = 3, 4


@dataclass(frozen=True)
class Neighbour:
    """An owner with a running session `box`, in which there is something to find."""

    owner: Owner
    session: dict[str, Any]
    box: SshClient


@pytest.fixture(scope="module")
def neighbours(shared: Deployment) -> Iterator[tuple[Neighbour, Neighbour]]:
    made = [neighbour(shared, name) for name in ("hal", "ida")]
    yield made[0], made[1]
    for one in made:
        one.owner.remove("box", f"only-{one.session['owner']}s")


@pytest.fixture(scope="module")
def hal(neighbours: tuple[Neighbour, Neighbour]) -> Neighbour:
    return neighbours[0]


@pytest.fixture(scope="module")
def ida(neighbours: tuple[Neighbour, Neighbour]) -> Neighbour:
    return neighbours[1]


def neighbour(shared: Deployment, name: str) -> Neighbour:
    owner = shared.member(name)
    session = owner.run_session("box", "--network", "none")
    owner.run_session(f"only-{name}s", "--network", "none", app="")
    box = through_proxy_command(owner, "box", owner.key("box"))
    box.ok(f"echo of {name} > secret")
    return Neighbour(owner, session, box)


def test_a_session_empties_no_log(hal: Neighbour) -> None:
    log = hal.owner.ok("logs", "box")
    for descriptor in (1, 2):
        assert hal.box.run(f": > /proc/1/fd/{descriptor}").returncode != 0
    assert hal.owner.ok("logs", "box").startswith(log)


class TestCommands:
    @pytest.mark.parametrize(
        "command",
        [
            "show",
            "start",
            "stop",
            "rm --force",
            "logs",
            "key -o /dev/null",
            "app ls",
            "app start {} ssh",
            "app stop {} ssh",
            "connect",
            "disconnect",
            "stream",
            "ssh {} true",
            "certify",
        ],
    )
    def test_a_session_of_somebody_else_is_not_found(self, hal: Neighbour, ida: Neighbour, command: str) -> None:
        for ref in (ida.session["id"], "only-idas"):
            words = command.format(ref).split()
            done = hal.owner.run(*words, *([] if ref in words else [ref]))
            assert done.returncode == NOT_FOUND, done.stderr.decode()
            assert b"idas" not in done.stderr.replace(b"only-idas'", b"").replace(b"'only-idas", b"")
        assert ida.owner.json("show", ida.session["id"])["state"] == "running"

    def test_one_name_means_ones_own_session(self, hal: Neighbour, ida: Neighbour) -> None:
        assert hal.box.ok("cat secret") == "of hal\n"
        assert ida.box.ok("cat secret") == "of ida\n"
        assert [session["owner"] for session in hal.owner.json("ls")] == ["hal", "hal"]

    @pytest.mark.parametrize(
        "command", ["ls --all", "user ls", "user add eve2", "token create --user admin", "token create --user ida"]
    )
    def test_what_is_for_admins_is_refused(self, hal: Neighbour, command: str) -> None:
        done = hal.owner.run(*command.split())
        assert (done.returncode, done.stderr) == (REFUSED, b"sshore: only an admin may do this\n")

    def test_an_admin_sees_all_sessions_but_has_no_way_into_them(self, shared: Deployment, ida: Neighbour) -> None:
        assert ida.session["id"] in {session["id"] for session in shared.admin.json("ls", "--all")}
        assert shared.admin.json("show", ida.session["id"])["owner"] == ida.session["owner"]
        for command in ("key", "ssh", "stream", "connect"):
            assert shared.admin.run(command, ida.session["id"]).returncode == NOT_FOUND


class TestAgentTokens:
    """What lies in every session's /run/sshore/agent.json. (Other tokens: test_every_route.py.)"""

    def test_an_agents_token_says_nothing_to_the_api(self, shared: Deployment, hal: Neighbour) -> None:
        token = json.loads(hal.box.ok(f"cat {layout.AGENT_CONFIG}"))["token"]
        with urllib.request.urlopen(f"{shared.url}/openapi.json") as answer:
            paths = json.load(answer)["paths"]
        asked = [(method.upper(), path) for path in paths for method in paths[path] if "{ref}" in path]
        assert len(asked) > 10
        statuses = {ask(shared.url, method, path.format_map(Parameters(hal)), token) for method, path in asked}
        assert statuses == {401}


class TestStreams:
    @pytest.mark.parametrize("ref", ["id", "only-idas"])
    def test_somebody_elses_session_is_not_there(
        self, shared: Deployment, hal: Neighbour, ida: Neighbour, ref: str
    ) -> None:
        assert stream_status(shared, hal.owner.token, ida.session["id"] if ref == "id" else ref) == 404

    def test_without_a_users_token_there_is_none(self, shared: Deployment, hal: Neighbour) -> None:
        agents = json.loads(hal.box.ok(f"cat {layout.AGENT_CONFIG}"))["token"]
        for token in ("", "sshore_wrong", agents):
            assert stream_status(shared, token, hal.session["id"]) == 401

    def test_a_users_token_parks_no_link(self, shared: Deployment, hal: Neighbour) -> None:
        for token in (hal.owner.token, ""):
            with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as connection:
                connection.sendall(link_request("127.0.0.1", token, "test"))
                assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


class TestFromInside:
    def test_neither_the_others_home_nor_the_servers_state_is_there(self, shared: Deployment, hal: Neighbour) -> None:
        for path in (shared.state, shared.directory, "/root", f"/home/{os.environ.get('USER', 'root')}"):
            assert hal.box.run(f"ls {path}").returncode == 2
        assert hal.box.ok("ls /home") == "work\n"

    def test_the_others_processes_can_neither_be_seen_nor_signalled(self, hal: Neighbour, ida: Neighbour) -> None:
        sleeper = leave_sleeping(ida.box)
        seen = hal.box.ok("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert sleeper.process.cmdline()[1] not in seen
        assert hal.box.run(f"kill -0 {sleeper.process.pid}").returncode != 0
        # All that one may signal at all, without the shell that asks.
        hal.box.run("bash -c 'trap \"\" TERM; kill -TERM -1'")
        assert sleeper.still_sleeps
        sleeper.process.kill()

    def test_the_gateways_socket_takes_agents_only(self, hal: Neighbour, ida: Neighbour) -> None:
        token = json.loads(hal.box.ok(f"cat {layout.AGENT_CONFIG}"))["token"]
        api = f"GET /api/v1/sessions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        assert "404" in through_the_socket(hal, api)
        upgrade = "Connection: Upgrade\r\nUpgrade: sshore-stream/1\r\n"
        for bearer in (token, hal.owner.token):
            stream = f"GET /api/v1/sessions/{ida.session['id']}/apps/ssh/stream HTTP/1.1\r\nHost: x\r\n{upgrade}"
            assert "404" in through_the_socket(hal, f"{stream}Authorization: Bearer {bearer}\r\n\r\n")

    def test_the_platforms_own_files_cannot_be_changed(self, hal: Neighbour) -> None:
        for path in (layout.AUTHORIZED_KEYS, layout.PRINCIPALS, layout.SSHD_CONFIG, f"{layout.KIT}/new"):
            done = hal.box.run(f"echo mine >> {path}")
            assert done.returncode != 0
            assert b"Read-only file system" in done.stderr


class TestOnTheHost:
    """What holds even for a process that has left its sandbox."""

    def test_every_process_of_a_session_has_its_owners_uid(
        self, shared: Deployment, hal: Neighbour, ida: Neighbour
    ) -> None:
        for one in (hal, ida):
            sleeper = leave_sleeping(one.box)
            uid = shared.home(one.session["id"]).stat().st_uid
            processes = processes_of(one.session["id"])
            assert sleeper.process in processes
            assert {number for process in processes for number in process.uids()} == {uid}
            sleeper.process.kill()

    def test_no_program_of_a_session_runs_as_root(self, shared: Deployment) -> None:
        need_that(os.geteuid() == 0, "the server is not root")
        for process in psutil.Process(shared.server.pid).children(recursive=True):
            assert min(process.uids()) > 1_000_000, process

    def test_an_owners_uid_reads_neither_the_others_nor_the_servers_files(
        self, shared: Deployment, hal: Neighbour, ida: Neighbour
    ) -> None:
        need("setpriv")
        need_that(os.geteuid() == 0, "only root's sessions have uids of their own")
        hals, idas = (shared.home(one.session["id"]) for one in (hal, ida))
        assert as_uid_of(shared, hal, f"cat {hals}/secret") == (0, "of hal\n")
        agents = idas.parent / "run" / "agent.json"
        listing = f"ls {shared.state} {shared.state}/sessions {shared.state}/ca"
        for command in (f"cat {idas}/secret", f"cat {agents}", f"cat {shared.state}/sshore.db", listing):
            status, out = as_uid_of(shared, hal, command)
            assert (status != 0, out) == (True, "")

    def test_the_servers_secrets_are_for_the_server_only(self, shared: Deployment) -> None:
        for path in (shared.state / "ca").iterdir():
            if not path.name.endswith(".pub"):
                assert path.stat().st_mode & 0o077 == 0, path
        for name in ("sshore.db", "sshore.db-wal"):
            assert (shared.state / name).stat().st_mode & 0o077 == 0


class Parameters(dict[str, str]):
    """What stands for the parameters of the routes' paths: the session of a neighbour, and `ssh`."""

    def __init__(self, one: Neighbour) -> None:
        super().__init__(ref=one.session["id"])

    def __missing__(self, name: str) -> str:
        return "ssh"


def ask(url: str, method: str, path: str, token: str) -> int:
    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def stream_status(shared: Deployment, token: str, ref: str) -> int:
    with pytest.raises(ApiError) as refused:
        open_stream(StreamTarget(parse_server_url(shared.url), token, ref))
    return refused.value.status


def through_the_socket(one: Neighbour, request: str) -> str:
    """What the gateway's Unix socket answers, asked from inside a session; its first line."""
    script = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); "
        f"s.connect('{layout.LINK}/{layout.LINK_SOCKET_NAME}'); s.sendall(sys.stdin.buffer.read()); "
        "print(s.recv(65536).decode().splitlines()[0])"
    )
    return one.box.ok(f"{layout.KIT_PYTHON} -I -S -c {shlex.quote(script)}", stdin=request.encode())


def processes_of(session_id: str) -> list[psutil.Process]:
    """A session's sandbox and all that runs in it."""
    (sandbox,) = bwraps_of(session_id)
    return [sandbox, *sandbox.children(recursive=True)]


def as_uid_of(shared: Deployment, one: Neighbour, command: str) -> tuple[int, str]:
    """Run a command on the host as the uid that an owner's sessions have."""
    uid = shared.home(one.session["id"]).stat().st_uid
    words = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "sh", "-c", command]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/")
    return done.returncode, done.stdout
