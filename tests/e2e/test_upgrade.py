"""An upgrade with sessions running: an older server's sessions, database and local port, taken up by this one."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from deployment import Deployment, SessionsIn, deployment
from host_processes import Sleeper, leave_sleeping, until
from old_version import take_out
from ssh_client import SshClient, through_forward

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX
from integration.free_port import free_port
from sshore.proxy.forwards import Card

OLD = "6eb9060"
"""The sandbox and the docker engine as they first landed."""
ENGINES = ("sandbox", "docker")
_KIT = "sed -n 's|.*/kit/\\([0-9a-f]*\\) /opt/sshore .*|\\1|p' /proc/self/mountinfo"


@dataclass
class Upgraded:
    """A deployment before and after. In each of two sessions, named by its engine, a `sleep` was left running."""

    it: Deployment
    clients: dict[str, SshClient]
    sleepers: dict[str, Sleeper]
    kits: dict[str, str]
    revision_before: str
    slirp: psutil.Process
    """The sandbox's network."""


@pytest.fixture(scope="module")
def upgraded(dockerd: DockerDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    old = str(take_out(OLD, tmp_path_factory.mktemp("old")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", old)
        with deployment(sessions_in=SessionsIn(docker_host=dockerd.host)) as it:
            patch.undo()
            it.run_session("sandbox", "--network", "nat")
            it.run_session("docker", "--network", "none", "--engine", "docker", "--image", BUSYBOX)
            clients = {name: through_forward(it.admin, _card(it, name)) for name in ENGINES}
            sleepers = {name: leave_sleeping(client) for name, client in clients.items()}
            before = Upgraded(it, clients, sleepers, _kits(clients), _revision(it.state), _slirp(it.state))
            it.stop()
            for environment in (it.server.environment, it.admin.environment):
                del environment["PYTHONPATH"]
            it.start()
            yield before


@pytest.fixture
def started_again(upgraded: Upgraded) -> Callable[[], Iterable[int]]:
    return lambda: (upgraded.it.server.pid,)


@pytest.mark.parametrize("name", ENGINES)
def test_sessions_go_on_and_answer_at_the_same_port(upgraded: Upgraded, name: str) -> None:
    until(lambda: upgraded.clients[name].run("true").returncode == 0, "the forward works again")

    assert upgraded.sleepers[name].still_sleeps
    shown = upgraded.it.admin.json("show", name)
    assert (shown["state"], shown["linked"]) == ("running", True)


def test_the_database_is_brought_to_the_newest_revision(upgraded: Upgraded) -> None:
    assert upgraded.revision_before == "0005"
    assert _revision(upgraded.it.state) > "0005"


@pytest.mark.parametrize("name", ENGINES)
def test_an_old_agent_obeys_the_new_server(upgraded: Upgraded, name: str) -> None:
    until(lambda: upgraded.clients[name].run("true").returncode == 0, "the forward works again")

    upgraded.it.cli("app", "stop", name, "ssh")
    assert upgraded.clients[name].run("true").returncode != 0
    upgraded.it.cli("app", "start", name, "ssh")

    assert "(work)" in upgraded.it.cli("ssh", name, "id")
    copied = upgraded.it.admin.run("cp", __file__, f"{name}:copied")
    assert (copied.returncode, b"size only" in copied.stdout) == (0, True), copied.stderr.decode()
    assert b"sshore stop and start mend it" in copied.stderr
    assert _kits({name: upgraded.clients[name]}) == {name: upgraded.kits[name]}


def test_the_sandboxs_network_goes_on_until_it_is_stopped(upgraded: Upgraded) -> None:
    assert upgraded.slirp.is_running()
    assert upgraded.clients["sandbox"].ok("cut -d: -f1 /proc/net/dev | grep tap0").strip() == "tap0"
    (ours,) = (upgraded.it.state / "sandbox" / "records").glob("*.json")
    assert json.loads(ours.read_text())["slirp"]["pid"] == upgraded.slirp.pid


def test_new_sessions_run_beside_old_ones(upgraded: Upgraded) -> None:
    upgraded.it.run_session("new", "--network", "none")

    assert "(work)" in upgraded.it.cli("ssh", "new", "id")
    upgraded.it.remove("new")


@pytest.mark.parametrize("name", ENGINES)
def test_a_session_that_is_started_again_has_the_new_kit_and_its_home(upgraded: Upgraded, name: str) -> None:
    until(lambda: upgraded.clients[name].run("true").returncode == 0, "the forward works again")
    upgraded.clients[name].ok("echo mine >kept")

    upgraded.it.cli("stop", name)
    if name == "sandbox":
        assert not upgraded.slirp.is_running() or upgraded.slirp.status() == psutil.STATUS_ZOMBIE
    upgraded.it.cli("start", name)

    until(lambda: upgraded.clients[name].run("true").returncode == 0, "the forward works again")
    assert upgraded.clients[name].ok("cat kept") == "mine\n"
    new = _kits({name: upgraded.clients[name]})[name]
    assert new not in ("", upgraded.kits[name])
    again = through_forward(upgraded.it.admin, upgraded.it.connect(name))
    assert again.having(StrictHostKeyChecking="yes", HostKeyAlgorithms="ecdsa-sha2-nistp256").ok("cat kept") == "mine\n"
    upgraded.it.remove(name)


def test_the_old_kit_stays_while_a_session_has_it(upgraded: Upgraded) -> None:
    kits, old = upgraded.it.state / "kit", set(upgraded.kits.values())
    assert all((kits / name).is_dir() for name in old)
    if left := [session["name"] for session in upgraded.it.admin.json("ls")]:
        upgraded.it.remove(*left)
    upgraded.it.server.stop()
    upgraded.it.server.start()
    until(lambda: not any((kits / name).exists() for name in old), "the old kit is removed")
    upgraded.it.run_session("new", "--network", "none")
    assert "(work)" in upgraded.it.cli("ssh", "new", "id")
    upgraded.it.remove("new")


def _card(it: Deployment, name: str) -> Card:
    """As the old version prints it, which may know less."""
    shown = json.loads(it.cli("connect", name, "--port", str(free_port()), "--json"))
    return Card(**shown)


def _kits(clients: dict[str, SshClient]) -> dict[str, str]:
    """The hash of the kit that each session has."""
    return {name: client.ok(_KIT).strip() for name, client in clients.items()}


def _slirp(state: Path) -> psutil.Process:
    (record,) = (state / "sandbox" / "records").glob("*.json")
    return psutil.Process(json.loads(record.read_text())["slirp"]["pid"])


def _revision(state: Path) -> str:
    with closing(sqlite3.connect(state / "sshore.db")) as database:
        ((revision,),) = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(revision)
