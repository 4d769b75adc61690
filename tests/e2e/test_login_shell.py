"""The login shell: the one that a user has chosen, where the session has it; else a word, and the usual one."""

import shutil
from collections.abc import Iterator

import pytest
from deployment import Deployment, Owner
from programs import need
from ssh_client import SshClient, through_forward

from integration.docker_images import BUSYBOX_PROGRAM


@pytest.fixture(scope="module")
def sue(shared: Deployment) -> Owner:
    return shared.member("sue")


@pytest.fixture
def box(sue: Owner) -> Iterator[SshClient]:
    sue.run_session("box", "--network", "none")
    yield through_forward(sue, sue.connect("box"))
    sue.ok("settings", "set", "shell", "")
    sue.remove("box")


def choose(sue: Owner, shell: str) -> str:
    """Choose a shell and start the session anew; what is said of that."""
    sue.ok("settings", "set", "shell", shell)
    sue.ok("stop", "box")
    done = sue.run("start", "box")
    assert done.returncode == 0, done.stderr
    return done.stderr.decode()


def login(box: SshClient, line: str) -> str:
    """What a login shell says that reads a line."""
    return box.ok(stdin=f"{line}\n".encode()).strip()


@pytest.mark.every_engine
class TestAnywhere:
    def test_every_login_gets_the_one_chosen(self, sue: Owner, box: SshClient) -> None:
        assert choose(sue, "dash") == ""
        assert box.ok("echo $0").strip().rpartition("/")[2] == "dash"
        assert login(box, "echo $0") == "-dash"
        shell = box.ok("echo $SHELL").strip()
        assert shell.endswith("/dash")
        assert box.ok("getent passwd work").strip().endswith(f":{shell}")
        assert sue.run("bootstrap", "set", "-", stdin=b"echo =$SHELL=\n").returncode == 0
        assert choose(sue, "/bin/sh") == ""
        assert box.ok("echo $SHELL; cat .sshore/bootstrap.log").startswith("/bin/sh\nbootstrap: started at")
        assert "=/bin/sh=" in sue.ok("logs", "box", "bootstrap")

    def test_where_a_session_has_it_not_it_says_so_and_has_the_usual_one(self, sue: Owner, box: SshClient) -> None:
        said = choose(sue, "nosuchshell")
        assert "`shell` is nosuchshell, which is not in this session: logins get /" in said
        assert said.rstrip().endswith("/bash")
        assert box.ok("echo $0").strip().endswith("bash")
        (note,) = sue.json("show", "box")["notes"]
        assert "nosuchshell" in note
        assert choose(sue, "") == ""

    def test_one_in_the_home_may_come_and_go(self, sue: Owner, box: SshClient) -> None:
        assert "not in this session" in choose(sue, "/home/work/bin/ash")
        done = box.run("echo $SHELL")
        assert done.stdout.strip().endswith(b"bash")
        assert done.stderr.startswith(b"/home/work/bin/ash: No such file")
        box.ok("mkdir -p bin")
        box.scp(str(BUSYBOX_PROGRAM), ":bin/ash")
        assert box.ok("echo $0 $SHELL; exit 0") == "ash /home/work/bin/ash\n"
        assert login(box, "echo $0") == "-ash"
        assert (box.run("exit 7").returncode, box.run("kill -TERM $$").returncode) == (7, 255)
        assert box.ok("(yes; echo $? >&2) | head -n 1", flags=("-q",)) == "y\n"
        assert box.run("(yes; echo $? >&2) | head -n 1").stderr == b"141\n", "SIGPIPE ends it, as everywhere"
        assert choose(sue, "/home/work/bin/ash") == ""
        box.ok("rm bin/ash")
        assert box.ok("echo it lets one in") == "it lets one in\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_files_are_copied_and_compared_beside_other_shells(sue: Owner, box: SshClient, shell: str) -> None:
    need(shell)
    assert choose(sue, shell) == ""
    assert box.ok("echo $SHELL").strip() == shutil.which(shell)
    assert login(box, "echo $0" if shell == "zsh" else "status is-login; and echo -fish") == f"-{shell}"
    sent = sue.environment["SSHORE_CONFIG_DIR"] + "/sent"
    shutil.copy(BUSYBOX_PROGRAM, sent)
    done = sue.run("cp", sent, "box:sent")
    assert (done.returncode, b"sha256" in done.stdout) == (0, True), done
    assert sue.run("cp", "box:sent", f"{sent}.back").returncode == 0


def test_what_can_be_none_is_refused(sue: Owner) -> None:
    for shell in ("zsh -l", "../zsh", "/bin/../sh", "/usr/bin/z:sh", "-sh", "z\nsh", "/" * 300):
        refused = sue.run("settings", "set", "shell", "--", shell)
        assert refused.returncode == 2 and b"is no shell" in refused.stderr, shell
    for shell in ("/bin/false", "nologin", "/usr/sbin/nologin", "true", "/home/work/false"):
        refused = sue.run("settings", "set", "shell", shell)
        assert refused.returncode == 2 and b"lets nobody in: choose a shell such as bash" in refused.stderr, shell
    assert sue.json("settings", "get", "shell")["value"] == ""
