"""User files in each new home; the bootstrap script, which SSH never waits for."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from deployment import Deployment, Owner
from ssh_client import SshClient, through_forward

SLACK_S = 0.5
"""How much slower SSH may be beside a bootstrap script that sleeps, on a machine that does other things, too."""


@pytest.fixture(scope="module")
def lee(shared: Deployment) -> Owner:
    return shared.member("lee")


@pytest.fixture(autouse=True)
def _nothing_is_left(lee: Owner) -> Iterator[None]:
    yield
    for session in lee.json("ls"):
        lee.remove(session["name"])
    for file in lee.json("file", "ls"):
        lee.ok("file", "rm", file["name"])
    lee.ok("bootstrap", "rm")


def session(lee: Owner, name: str) -> SshClient:
    lee.run_session(name)
    return through_forward(lee, lee.connect(name))


def start_with(lee: Owner, name: str, script: str) -> SshClient:
    """A session whose start runs this script."""
    assert lee.run("bootstrap", "set", "-", stdin=script.encode()).returncode == 0
    return session(lee, name)


def bootstrap_log(lee: Owner, name: str, until: str) -> str:
    """The script's log as soon as it holds a text."""
    return wait_for(lambda: lee.ok("logs", name, "bootstrap"), lambda log: until in log)


def wait_for(look: Callable[[], str], enough: Callable[[str], bool], within_s: float = 15) -> str:
    deadline = time.monotonic() + within_s
    while not enough(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def seconds_to_a_command(client: SshClient) -> float:
    def one() -> float:
        before = time.monotonic()
        client.ok("true")
        return time.monotonic() - before

    return median(one() for _ in range(7))


class TestUserFiles:
    @pytest.mark.every_engine
    def test_each_new_home_has_them_and_a_home_that_is_there_stays_as_it_is(self, lee: Owner, tmp_path: Path) -> None:
        old = session(lee, "old")
        (tmp_path / "rc").write_text("export GREETING='from my own file'\n")
        (tmp_path / "tool").write_text("#!/bin/sh\necho tool runs\n")
        (tmp_path / "tool").chmod(0o755)
        lee.ok("file", "put", str(tmp_path / "rc"), "--as", ".bashrc")
        lee.ok("file", "put", str(tmp_path / "tool"), "--as", "bin/tool")
        assert lee.run("file", "put", "-", "--as", ".ssh/config", stdin=b"Host *\n").returncode == 0
        new = session(lee, "new")
        assert new.ok("bash -ic 'echo $GREETING' 2>/dev/null") == "from my own file\n"
        assert new.ok("bin/tool; cat .ssh/config") == "tool runs\nHost *\n"
        assert new.ok("stat -c '%a %U' .bashrc bin bin/tool .ssh") == "600 work\n700 work\n700 work\n700 work\n"
        assert old.run("grep -q GREETING .bashrc || test -e bin").returncode == 1
        new.ok("echo mine >.bashrc")
        lee.ok("stop", "new")
        lee.ok("start", "new")
        assert new.ok("cat .bashrc") == "mine\n"

    def test_they_are_listed_read_and_removed(self, lee: Owner, tmp_path: Path) -> None:
        content = os.urandom(256 << 10)
        (tmp_path / "blob").write_bytes(content)
        lee.ok("file", "put", str(tmp_path / "blob"), "--as", ".config/some app/data")
        (listed,) = lee.json("file", "ls")
        assert (listed["name"], listed["size"], listed["executable"]) == (".config/some app/data", 256 << 10, False)
        lee.ok("file", "get", ".config/some app/data", "-o", str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == content
        lee.ok("file", "rm", ".config/some app/data")
        gone = lee.run("file", "get", ".config/some app/data")
        assert gone.returncode == 3 and b"sshore file ls" in gone.stderr

    def test_what_is_too_large_too_many_or_a_trick_is_refused(self, lee: Owner, ann: Owner, tmp_path: Path) -> None:
        (tmp_path / "large").write_bytes(bytes((256 << 10) + 1))
        assert b"may have 262144" in lee.run("file", "put", str(tmp_path / "large"), "--as", "large").stderr
        for name in ("../x", "/etc/passwd", "a/../../b", "-rf", "id_container", "a\nb", "x" * 300):
            refused = lee.run("file", "put", "-", "--as", name, stdin=b"x")
            assert refused.returncode == 2 and b"Traceback" not in refused.stderr, name
        for name, content, reason in (
            (".bashrc", b"alias ll='ls -l'\r\n", b"Windows line ends"),
            (".zshrc", b"\xef\xbb\xbfalias ll='ls -l'\n", b"byte-order mark"),
            (".profile", "alias ll='ls -l'\n".encode("utf-16"), b"UTF-16"),
            ("bin/tool", b"#!/usr/bin/env python3\r\n", b"Windows line ends"),
        ):
            refused = lee.run("file", "put", "-", "--as", name, stdin=content)
            assert refused.returncode == 2 and reason in refused.stderr, refused.stderr
        for name, content in (("x.bat", b"@echo off\r\n"), ("bin/tool", b"#!/usr/bin/env python3\npass\r\n")):
            assert lee.run("file", "put", "-", "--as", name, stdin=content).returncode == 0
        lee.run("file", "put", "-", "--as", ".config/a", stdin=b"x")
        assert lee.run("file", "put", "-", "--as", ".config", stdin=b"x").returncode == 2
        assert ann.run("file", "get", ".config/a").returncode == 3


class TestBootstrap:
    @pytest.mark.every_engine
    def test_it_runs_as_work_in_the_home_and_its_log_tells_how_it_ended(self, lee: Owner) -> None:
        client = start_with(
            lee, "boot", "#!/bin/bash\npwd; id -un; echo $SSHORE_SESSION; echo problem >&2; touch made; exit 3\n"
        )
        log = bootstrap_log(lee, "boot", "ended with exit status 3")
        assert "/home/work\nwork\nboot\nproblem\n" in log
        assert client.ok("ls made") == "made\n"
        assert "the bootstrap script: ended with exit status 3" in lee.ok("logs", "boot")
        lee.ok("stop", "boot")
        client.run("true")
        assert "ended with exit status 3" in lee.ok("logs", "boot", "bootstrap"), "a stopped session's log can be read"
        lee.ok("bootstrap", "off")
        lee.ok("start", "boot")
        assert client.ok("rm made; ls") == "id_container\n"
        lee.ok("bootstrap", "on")
        lee.ok("stop", "boot")
        lee.ok("start", "boot")
        bootstrap_log(lee, "boot", "ended with exit status 3")
        assert client.ok("ls made") == "made\n"

    @pytest.mark.alone
    def test_ssh_does_not_wait_for_one_that_hangs(self, lee: Owner) -> None:
        plain = seconds_to_a_command(session(lee, "plain"))
        client = start_with(lee, "hanging", "trap '' TERM HUP\necho waiting; sleep 100000\n")
        assert "waiting" in bootstrap_log(lee, "hanging", "waiting")
        assert seconds_to_a_command(client) < plain + SLACK_S
        before = time.monotonic()
        lee.ok("stop", "hanging")
        assert time.monotonic() - before < 10
        lee.ok("start", "hanging")
        assert client.ok("whoami") == "work\n"

    @pytest.mark.alone
    def test_one_that_floods_its_output_harms_nothing(self, lee: Owner) -> None:
        client = start_with(lee, "flood", "echo first; exec yes\n")
        wait_for(lambda: client.ok("stat -c %s .sshore/bootstrap.log"), lambda size: int(size) > 1 << 20)
        assert seconds_to_a_command(client) < 1
        assert client.ok("head -c 50 .sshore/bootstrap.log").startswith("bootstrap: started at ")
        assert int(client.ok("stat -c %s .sshore/bootstrap.log")) < (1 << 20) + 200
        log = lee.ok("logs", "flood", "bootstrap", "--tail", str(8 << 20))
        assert "first\n" in log and log.endswith("bootstrap: what it writes from here on is not kept\n")

    def test_one_that_cannot_be_run_says_why(self, lee: Owner) -> None:
        client = start_with(lee, "broken", "#!/no/such/shell\n")
        assert "it cannot be run: No such file or directory" in bootstrap_log(lee, "broken", "cannot be run")
        assert client.ok("whoami") == "work\n"

    def test_its_log_leads_nowhere_else(self, shared: Deployment, lee: Owner, tmp_path: Path) -> None:
        client = start_with(lee, "tricks", "true\n")
        bootstrap_log(lee, "tricks", "exit status 0")
        secret = shared.state / "ca" / "user_ca"
        assert secret.exists()
        for trick in (
            f"rm .sshore/bootstrap.log; ln -s {secret} .sshore/bootstrap.log",
            "rm .sshore/bootstrap.log; mkfifo .sshore/bootstrap.log",
            "rm .sshore/bootstrap.log; mkdir .sshore/bootstrap.log",
            f"rm -r .sshore; ln -s {secret.parent} .sshore",
        ):
            client.ok(trick)
            assert lee.ok("logs", "tricks", "bootstrap") == "", trick
        lee.ok("stop", "tricks")
        lee.ok("start", "tricks")
        assert client.ok("whoami") == "work\n"

    def test_what_is_no_script_is_refused(self, lee: Owner) -> None:
        for content, reason in (
            (b"", b"the script is empty"),
            (b"\x7fELF\x02\x01\x01\x00\xff", b"no UTF-8 text"),
            (b"#!/bin/sh\r\necho\r\n", b"Windows line ends"),
            (b"echo\r\necho\r\n", b"Windows line ends"),
            (b"#!/bin/sh\necho\r\n", b"Windows line ends"),
            (b"\xef\xbb\xbf#!/bin/sh\necho\n", b"byte-order mark"),
            (b"x" * (257 << 10), b"more than 256 KiB"),
        ):
            refused = lee.run("bootstrap", "set", "-", stdin=content)
            assert refused.returncode == 2 and reason in refused.stderr, refused.stderr
        assert lee.run("bootstrap", "show").returncode == 3
        assert lee.run("bootstrap", "set", "-", stdin=b"echo kept\n").returncode == 0
        assert lee.ok("bootstrap", "show") == "echo kept\n"

    def test_it_is_nobody_elses_to_read(self, shared: Deployment, lee: Owner, ann: Owner) -> None:
        start_with(lee, "boot", "echo private\n")
        bootstrap_log(lee, "boot", "private")
        session_id = lee.json("show", "boot")["id"]
        assert ann.run("logs", session_id, "bootstrap").returncode == 3
        assert shared.admin.run("logs", session_id).returncode == 0
        assert shared.admin.run("logs", session_id, "bootstrap").returncode == 3, "an admin sees the agent's log only"
