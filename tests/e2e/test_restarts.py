"""What survives: local proxy, server and agent are stopped and killed, and come back."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
from deployment import Deployment, Owner, SessionsIn, deployment
from host_processes import Sleeper, leave_sleeping, sandboxes_of, until
from mounts import mounted
from programs import need, need_that
from ssh_client import SshClient, through_forward

from integration.free_port import free_port
from sshore.proxy.forwards import Card

BACK_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def restarted(shared: Deployment, sessions_in: SessionsIn) -> Iterator[Deployment]:
    with deployment(kit_of=shared.state, sessions_in=sessions_in) as made:
        yield made


@pytest.fixture
def own_deployment(restarted: Deployment) -> Iterator[Deployment]:
    """The module's own, since a new one takes seconds: after each test it runs again, without sessions and forwards."""
    yield restarted
    if not restarted.server.is_running:
        restarted.server.start()
    if not restarted.proxy.is_running:
        restarted.admin.close()  # it may have been started on demand
        restarted.proxy.start()
    if left := [session["name"] for session in restarted.admin.json("ls")]:
        restarted.remove(*left)
    for forward in restarted.admin.json("forwards"):
        restarted.cli("disconnect", forward["session"])


@pytest.fixture
def started_again(restarted: Deployment) -> Callable[[], Iterable[int]]:
    return lambda: (restarted.server.pid, restarted.proxy.pid)


@pytest.fixture
def ours(own_deployment: Deployment) -> Iterator[Deployment]:
    """A deployment with a session `box` that has no network, which plays no part here."""
    own_deployment.run_session("box", "--network", "none")
    yield own_deployment


@pytest.fixture
def card(ours: Deployment) -> Card:
    """Its forward, on a port that nobody takes while there is no local proxy."""
    return ours.connect("box", "--port", str(free_port()))


@pytest.fixture
def box(ours: Deployment, card: Card) -> SshClient:
    return through_forward(ours.admin, card)


def assert_all_is_as_before(ours: Deployment, box: SshClient, sleeper: Sleeper) -> None:
    """The session's processes are the same, ssh works through the same port, and all is shown as it is."""
    until(lambda: box.run("true").returncode == 0, "the forward works again", BACK_WITHIN_S)
    assert sleeper.still_sleeps
    shown = until(lambda: linked(ours, "box"), "the agent has linked again", BACK_WITHIN_S)
    assert shown["state"] == "running"
    assert health_of(ours, "box") == ("ok", "")


def linked(ours: Deployment, name: str) -> dict[str, object] | None:
    shown: dict[str, object] = ours.admin.json("show", name)
    return shown if shown["linked"] else None


def health_of(ours: Deployment, name: str) -> tuple[str, str]:
    """A forward's health and what is said about it."""
    (found,) = (forward for forward in ours.admin.json("forwards") if forward["session"] == name)
    return found["health"], found["detail"]


def launches(ours: Deployment, name: str) -> int:
    return ours.cli("logs", name).count("ssh is launched")


class TestLocalProxy:
    def test_killed_and_started_it_has_the_same_ports_and_launches_nothing(
        self, ours: Deployment, card: Card, box: SshClient
    ) -> None:
        ours.proxy.kill()
        assert box.run("true").returncode == 255
        done = ours.admin.run("forwards")
        assert done.returncode == 5
        assert b"sshore proxy start" in done.stderr
        ours.cli("proxy", "start")
        assert box.ok("whoami") == "work\n"
        assert [(f["session"], f["port"]) for f in ours.admin.json("forwards")] == [("box", card.port)]
        assert launches(ours, "box") == 1

    def test_killed_it_is_started_by_the_next_connect(self, ours: Deployment, card: Card, box: SshClient) -> None:
        ours.proxy.kill()
        assert ours.connect("box") == card
        assert box.ok("whoami") == "work\n"
        assert launches(ours, "box") == 1


@pytest.mark.parametrize("ends", ["proxy", "server"])
def test_sshfs_reconnects_and_its_files_are_there_again(
    ours: Deployment, box: SshClient, tmp_path: Path, ends: str
) -> None:
    need("sshfs", "fusermount3")
    need_that(os.access("/dev/fuse", os.R_OK | os.W_OK), "/dev/fuse cannot be opened here")
    box.ok("echo before >file")
    with mounted(box, tmp_path / "mnt", "-o", "reconnect") as there:
        assert (there / "file").read_text() == "before\n"
        daemon = getattr(ours, ends)
        daemon.stop()
        daemon.start()
        until(lambda: box.run("echo after >file").returncode == 0, "the port works again", BACK_WITHIN_S)
        until(lambda: reads(there / "file") == "after\n", "the mount works again", 15)
        (there / "new").write_text("by sshfs\n")
        assert box.ok("cat new") == "by sshfs\n"


def reads(path: Path) -> str:
    """What is in a file; nothing where that cannot be read."""
    try:
        return path.read_text()
    except OSError:
        return ""


class TestServer:
    @pytest.mark.every_engine
    def test_killed_and_started_it_finds_the_same_processes_and_forwards_work_by_themselves(
        self, ours: Deployment, box: SshClient
    ) -> None:
        sleeper = leave_sleeping(box)
        ours.server.kill()
        assert health_of(ours, "box")[0] == "server_unreachable"
        ours.server.start()
        assert_all_is_as_before(ours, box, sleeper)

    def test_an_ssh_started_while_it_is_down_succeeds_when_it_is_back(self, ours: Deployment, box: SshClient) -> None:
        ours.server.kill()
        with box.start("whoami") as patient:
            until(lambda: ours.admin.json("forwards")[0]["connections"], "ssh waits at the forward")
            ours.server.start()
            out, err = patient.communicate(timeout=20)
        assert (patient.returncode, out) == (0, b"work\n"), err.decode()

    def test_stopped_in_order_the_sessions_go_on(self, ours: Deployment, box: SshClient) -> None:
        sleeper = leave_sleeping(box)
        ours.server.stop()
        assert sleeper.still_sleeps
        ours.server.start()
        assert_all_is_as_before(ours, box, sleeper)

    def test_everything_killed_comes_back_together(self, ours: Deployment, box: SshClient) -> None:
        sleeper = leave_sleeping(box)
        ours.kill()
        ours.start()
        assert_all_is_as_before(ours, box, sleeper)

    @pytest.mark.parametrize("delay_s", [0, 0.05, 0.1])
    def test_killed_while_a_session_starts_the_session_runs_afterwards(
        self, own_deployment: Deployment, delay_s: float
    ) -> None:
        own_deployment.run_session("box", "--network", "none", "--no-wait")
        time.sleep(delay_s)  # the kill is to come at any moment of a start, not at one that it announces
        own_deployment.server.kill()
        own_deployment.server.start()
        own_deployment.cli("start", "box")
        assert own_deployment.cli("ssh", "box", "whoami") == "work\n"
        assert sandboxes_of(own_deployment.state) == 1

    @pytest.mark.parametrize("delay_s", [0, 0.2])
    def test_killed_while_a_session_stops_the_session_has_stopped_afterwards(
        self, ours: Deployment, box: SshClient, delay_s: float
    ) -> None:
        sleeper = leave_sleeping(box)
        with ours.admin.popen("stop", "box") as stopping:
            until(lambda: ours.admin.json("show", "box")["state"] != "running" or None, "it has begun to stop")
            time.sleep(delay_s)
            ours.server.kill()
            stopping.wait(20)
        ours.server.start()
        until(lambda: ours.admin.json("show", "box")["state"] == "stopped", "it has stopped")
        assert not sleeper.still_sleeps
        assert sandboxes_of(ours.state) == 0
        ours.cli("start", "box")
        assert box.ok("whoami") == "work\n"


class TestAgent:
    @pytest.mark.every_engine
    def test_killed_it_is_said_and_start_mends_it(self, ours: Deployment, card: Card, box: SshClient) -> None:
        sleeper = leave_sleeping(box)
        self.check_that_start_mends(ours, card, box, sleeper.agent.kill, b"ended by SIGKILL")

    @pytest.mark.every_engine
    def test_ended_from_inside_it_is_said_and_start_mends_it(
        self, ours: Deployment, card: Card, box: SshClient
    ) -> None:
        # The kernel keeps a namespace's first process from SIGKILL by those inside (pid_namespaces(7)).
        assert box.ok("kill -KILL 1; sleep 0.2; echo still here") == "still here\n"
        end = partial(box.run, "kill -TERM 1; sleep 60")
        self.check_that_start_mends(ours, card, box, end, b"the agent")

    def check_that_start_mends(self, ours: Deployment, card: Card, box: SshClient, end: object, reason: bytes) -> None:
        key = Path(card.key_file).read_bytes()
        before = ours.admin.json("show", "box")
        box.ok("echo mine > kept")
        assert callable(end)
        end()
        until(lambda: ours.admin.json("show", "box")["state"] == "failed", "it is said", 5)
        for command in (["show", "box"], ["ls"]):
            assert reason in ours.admin.run(*command).stdout
        assert health_of(ours, "box")[0] == "session_not_running"
        assert box.run("true").returncode == 255
        refused = ours.admin.run("ssh", "box", "true")
        assert refused.returncode == 1
        assert reason in refused.stderr
        assert b"start it with: sshore start box" in refused.stderr
        ours.cli("start", "box")
        assert box.ok("cat kept id_container") == "mine\n" + key.decode()
        after = ours.admin.json("show", "box")
        assert after["host_key_fingerprint"] == before["host_key_fingerprint"]
        assert (after["id"], after["launched"], after["state"]) == (before["id"], ["ssh"], "running")
        assert ours.connect("box") == card


class TestStopAndStart:
    @pytest.mark.every_engine
    def test_home_key_and_launched_apps_are_kept(self, ours: Deployment, card: Card, box: SshClient) -> None:
        sleeper = leave_sleeping(box)
        box.ok("echo mine > kept")
        ours.cli("stop", "box")
        assert not sleeper.still_sleeps
        health, detail = health_of(ours, "box")
        assert (health, "sshore start box" in detail) == ("session_not_running", True)
        assert box.run("true").returncode == 255
        assert ours.key("box").read_bytes() == Path(card.key_file).read_bytes()
        ours.cli("start", "box")
        assert box.ok("cat kept") == "mine\n"
        assert ours.connect("box") == card

    def test_what_is_not_launched_is_not_launched_by_a_start(self, own_deployment: Deployment) -> None:
        own_deployment.run_session("quiet", "--network", "none", app="")
        own_deployment.cli("stop", "quiet")
        own_deployment.cli("start", "quiet")
        (ssh,) = own_deployment.admin.json("app", "ls", "quiet")
        assert ssh["launched"] is False

    def test_a_forward_whose_session_was_removed_says_so_until_it_is_closed(
        self, ours: Deployment, box: SshClient
    ) -> None:
        elsewhere = Owner(ours.directory / "elsewhere", *ours.login)
        elsewhere.remove("box")
        health, detail = health_of(ours, "box")
        assert (health, "removed" in detail) == ("session_gone", True)
        assert box.run("true").returncode == 255
        ours.cli("disconnect", "box")
        assert ours.admin.json("forwards") == []

    @pytest.mark.every_engine
    def test_a_stop_ends_what_ignores_it(self, ours: Deployment, box: SshClient) -> None:
        sleeper = leave_sleeping(box, "trap '' TERM HUP INT; exec setsid")
        sleeper.process.send_signal(signal.SIGTERM)
        assert sleeper.still_sleeps
        ours.cli("stop", "box")
        assert not sleeper.still_sleeps
