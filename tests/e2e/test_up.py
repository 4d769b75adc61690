"""`sshore up`: the one command from a bare machine to a session, as root and as an ordinary user."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import Daemon
from deployment import Deployment, lend_kit
from host_processes import leave_sleeping, sandboxes_of, until
from ordinary_user import OrdinaryUser, ordinary_user
from programs import need, need_that
from ssh_client import SshClient, through_forward

from bench.processes import listens, running
from gate.turns import whole_machine
from integration.command_line import SSHORE, CommandLine
from integration.free_port import free_port
from sshore.proxy.forwards import Card

_ROOT = Path(__file__).parents[2]
CARD = re.compile(r"^(\w[\w ]*?) {2,}(\S.*)$", re.MULTILINE)


class Up(CommandLine):
    """`sshore up` with a config and a state directory of its own; what it prints is in `log`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory / "config", PATH=f"{Path(SSHORE).parent}:{os.environ['PATH']}")
        self.state = directory / "state"
        self.log = directory / "up.log"
        self.words = ["up", "--no-browser", "--port", str(free_port()), "--state", str(self.state)]
        with_demo = [*self.words, "--demo"]
        self.demo = Daemon(with_demo, self.environment, self.log, lambda: "or shorter" in self.log.read_text())
        self.plain = Daemon(self.words, self.environment, self.log, lambda: self.run("ls").returncode == 0)

    @property
    def card(self) -> dict[str, str]:
        """The lines of the card that was printed last."""
        return dict(CARD.findall(self.log.read_text()))

    def start(self) -> None:
        """Start it with its demo session, and return when the card is printed."""
        self.log.unlink(missing_ok=True)
        self.demo.start()

    def paste(self, line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a printed line as a user does who pastes it into a shell."""
        words = ["bash", "-c", line]
        return subprocess.run(words, input=stdin, env=self.environment, capture_output=True, text=True, timeout=60)

    def client(self) -> SshClient:
        """An SSH client of the demo session, through a port that nobody takes while there is no local proxy."""
        return through_forward(self, Card(**self.json("connect", "demo", "--port", str(free_port()))))

    def clear(self) -> None:
        """End everything, the sessions too."""
        self.plain.kill()
        if not self.demo.is_running:
            self.start()
        self.ok("rm", "--force", "demo")
        self.demo.stop()


@pytest.fixture
def up(shared: Deployment) -> Iterator[Up]:
    with tempfile.TemporaryDirectory(prefix="sshore-e2e-") as directory:
        Path(directory).chmod(0o711)
        up = Up(Path(directory))
        lend_kit(shared.state, up.state)
        try:
            up.start()
            yield up
        finally:
            up.clear()


def test_the_printed_lines_work_when_pasted_and_the_user_is_logged_in(up: Up) -> None:
    ssh = up.paste(f"{up.card['ssh']} whoami")
    assert (ssh.returncode, ssh.stdout, ssh.stderr) == (0, "work\n", "")
    sftp = up.paste(up.card["sftp"], "pwd\nls\n")
    assert sftp.returncode == 0
    assert "/home/work" in sftp.stdout
    assert "id_container" in sftp.stdout
    assert up.paste(f"{up.card['or shorter']} hostname").stdout == "demo\n"
    (demo,) = up.json("ls")
    assert (demo["name"], demo["state"], demo["owner"]) == ("demo", "running", "admin")
    assert [forward["health"] for forward in up.json("forwards")] == ["ok"]


def test_a_second_one_says_what_is_wrong(up: Up) -> None:
    done = up.run(*up.words)
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.count(b"\n") == 1
    assert b"another server runs on" in done.stderr
    assert up.paste(f"{up.card['ssh']} true").returncode == 0


def test_after_ctrl_c_the_sessions_go_on_and_the_next_one_takes_them_up(up: Up) -> None:
    client = up.client()
    sleeper = leave_sleeping(client)
    up.demo.stop(signal.SIGINT)
    assert "the sessions go on" in up.log.read_text()
    assert "Traceback" not in up.log.read_text()
    assert sleeper.still_sleeps
    assert b"start it with: sshore up" in up.run("ls").stderr
    up.start()
    assert sleeper.still_sleeps
    assert up.card["port"] == client.options["Port"]
    assert up.paste(f"{up.card['ssh']} whoami").stdout == "work\n"


def test_killed_and_started_without_the_demo_its_session_and_forward_are_back(up: Up) -> None:
    client = up.client()
    sleeper = leave_sleeping(client)
    up.demo.kill()
    assert client.run("true").returncode == 255
    up.plain.start()
    until(lambda: client.run("true").returncode == 0, "the forward works again by itself", 5)
    assert sleeper.still_sleeps
    until(lambda: up.json("show", "demo")["linked"], "the agent has linked again", 5)
    assert up.json("show", "demo")["state"] == "running"
    assert [forward["health"] for forward in up.json("forwards")] == ["ok"]


def test_the_port_that_was_chosen_once_stays_the_servers(up: Up) -> None:
    client = up.client()
    port = up.words[up.words.index("--port") + 1]
    up.demo.stop()
    words = ["up", "--no-browser", "--state", str(up.state)]
    settings = {name: value for name, value in up.environment.items() if name != "SSHORE_PORT"}
    with running([SSHORE, *words], lambda said: "serves at" in said, env=settings):
        assert listens(int(port))
        until(lambda: client.run("true").returncode == 0, "the forward of before works", 5)
    other = str(free_port())
    with running([SSHORE, *words], lambda said: "serves at" in said, env={**settings, "SSHORE_PORT": other}):
        assert listens(int(other))
    with running([SSHORE, *words], lambda said: f"127.0.0.1:{other}" in said, env=settings):
        pass


def test_a_stopped_demo_is_started_again(up: Up) -> None:
    up.ok("stop", "demo")
    assert sandboxes_of(up.state) == 0
    up.demo.stop()
    up.start()
    assert up.paste(f"{up.card['ssh']} whoami").stdout == "work\n"


class TestByMake:
    """`make` passes no options on: what a user of it is told to do must be what make can do."""

    @pytest.fixture
    def by_make(self, up: Up) -> list[str]:
        up.demo.stop()
        need("make")
        need_that(Path(sys.prefix) == _ROOT / ".venv", "the tests run in another environment than make up")
        return ["make", "--no-print-directory", "-C", str(_ROOT), "up"]

    def test_the_port_taken(self, up: Up, by_make: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            taken_port = str(taken.getsockname()[1])
            settings = {**up.environment, "SSHORE_STATE_DIR": str(up.state), "SSHORE_PORT": taken_port}
            refused = subprocess.run(by_make, env=settings, capture_output=True, text=True, timeout=60)
            assert refused.returncode != 0
            assert f"port {taken_port} on 127.0.0.1 cannot be had" in refused.stderr
            assert "choose another with --port or with SSHORE_PORT in the environment" in refused.stderr
            port = free_port()
            for other in ({"SSHORE_PORT": str(port)}, {}):
                words = [*by_make, *([] if other else [f"PORT={port}"])]
                with running(words, lambda said: "or shorter" in said, env={**settings, **other}):
                    assert listens(port)


class TestWithoutPrivilege:
    @pytest.fixture
    def user(self) -> Iterator[OrdinaryUser]:
        # As one that may have `nat` here: others change the mode of the device for it.
        with whole_machine("tun", shared=True), ordinary_user(f"sshore-e2e-{os.getpid()}") as user:
            yield user

    def test_an_ordinary_user_needs_no_more_than_the_command(self, user: OrdinaryUser) -> None:
        log = user.home / "up.log"
        words = user.command(str(user.sshore), "up", "--demo", "--no-browser", "--port", str(free_port()))
        with log.open("wb") as output:
            process = subprocess.Popen(words, env=user.environment, cwd=user.home, stdout=output, stderr=output)
        try:
            until(lambda: "or shorter" in log.read_text() or process.poll() is not None, "it prints the card", 60)
            assert process.poll() is None, log.read_text()
            card = dict(CARD.findall(log.read_text()))
            for line in (f"{card['ssh']} whoami", "sshore ssh demo whoami"):
                done = user.run("bash", "-c", line)
                assert (done.returncode, done.stdout) == (0, b"work\n"), done.stderr.decode()
            (demo,) = json.loads(user.run("sshore", "ls", "--json").stdout)
            assert (demo["name"], demo["state"], demo["linked"]) == ("demo", "running", True)
            assert user.run("sshore", "rm", "--force", "demo").returncode == 0
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)
        assert process.returncode == 0, log.read_text()
        assert "the sessions go on" in log.read_text()
