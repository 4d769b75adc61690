"""`sshore ssh`, `sftp` and `cp` as programs call them that take them for ssh, and names by many at once."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from programs import need
from tls_front import tls_front

from integration.command_line import SSHORE


@pytest.fixture(scope="module")
def nia(shared: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    nia = shared.member("nia-by-name")
    nia.run_session("demo", "--network", "none")
    nia.ok("config-ssh", "--file", str(own_config(nia)))
    yield nia
    nia.close()


def own_config(owner: Owner) -> Path:
    return owner.config / "own_ssh_config"


def output(owner: Owner, *words: str) -> str:
    done = subprocess.run(words, env=owner.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.every_engine
class TestDestinations:
    @pytest.mark.parametrize(
        "words",
        [
            ["demo"],
            ["work@demo"],
            ["DEMO"],
            ["work@Demo.sshore"],
            ["ssh://work@demo:22/"],
            ["-p", "22", "-l", "work", "-4", "demo"],
            ["-oUser=work", "demo", "-o", "Port 22"],
        ],
    )
    def test_the_one_account_and_the_one_port_may_be_named(self, nia: Owner, words: list[str]) -> None:
        assert nia.ok("ssh", *words, "hostname") == "demo\n"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["root@demo"], b"no user 'root'"),
            (["-l", "ann", "demo"], b"no user 'ann'"),
            (["demo", "-oUser=ann"], b"no user 'ann'"),
            (["-p", "2222", "demo"], b"no port 2222"),
            (["ssh://demo:2222"], b"no port 2222"),
        ],
    )
    def test_others_are_refused_in_words(self, nia: Owner, words: list[str], said: bytes) -> None:
        done = nia.run("ssh", *words, "true")
        assert done.returncode == 2
        assert said in done.stderr and done.stderr.count(b"\n") == 1

    def test_sftp_and_cp_take_them_too(self, nia: Owner, tmp_path: Path) -> None:
        (tmp_path / "here").write_text("there")
        nia.ok("cp", str(tmp_path / "here"), "work@DEMO:there")
        assert b"there" in nia.run("sftp", "-P", "22", "-b", "-", "work@demo", stdin=b"ls\n").stdout
        done = nia.run("cp", str(tmp_path / "here"), "root@demo:x")
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)

    def test_asked_where_it_would_go_it_goes_nowhere(self, nia: Owner) -> None:
        said = nia.ok("ssh", "-G", "work@no-such-session")
        assert "hostname no-such-session.sshore" in said and "user work" in said


def test_git_clones_and_pushes(nia: Owner, tmp_path: Path) -> None:
    need("git")
    if "git" not in nia.ok("ssh", "demo", "command -v git || true"):
        pytest.skip("no git in the session")
    nia.ok("ssh", "demo", "git init -q --bare -b main repository")
    nia.environment |= {"GIT_SSH_COMMAND": f"{SSHORE} ssh", "GIT_CONFIG_GLOBAL": "/dev/null"}
    copy = str(tmp_path / "copy")
    for url in ("ssh://work@demo/home/work/repository", "ssh://work@demo:22/home/work/repository", "demo:repository"):
        subprocess.run(["rm", "-rf", copy], check=True)
        output(nia, "git", "clone", "-q", url, copy)
        output(
            nia,
            "git",
            "-C",
            copy,
            "-c",
            "user.name=n",
            "-c",
            "user.email=n@x",
            "commit",
            "-q",
            "--allow-empty",
            "-m",
            url,
        )
        output(nia, "git", "-C", copy, "push", "-q", "origin", "HEAD:main")
    assert nia.ok("ssh", "demo", "git -C repository rev-list --count main") == "3\n"


@pytest.mark.parametrize("words", [["ssh", "-F", "own", "demo.sshore"], [SSHORE, "ssh", "demo"]], ids=["ssh", "sshore"])
def test_many_at_once(nia: Owner, words: list[str]) -> None:
    given = [str(own_config(nia)) if word == "own" else word for word in words]
    started = [
        subprocess.Popen(
            [*given, f"echo {number}"],
            env=nia.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(6)
    ]
    said = [process.communicate(timeout=60) for process in started]
    assert said == [(b"%d\n" % number, b"") for number in range(6)]


def test_no_process_and_no_file_is_left_between_ssh_and_the_server(nia: Owner, tmp_path: Path) -> None:
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    environment = {**nia.environment, "XDG_RUNTIME_DIR": str(runtime)}
    words = [SSHORE, "ssh", "demo", "echo up; exec cat"]
    with subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ssh:
        assert ssh.stdin is not None and ssh.stdout is not None
        assert ssh.stdout.readline() == b"up\n"
        assert list(runtime.iterdir()) == []
        children = Path(f"/proc/{ssh.pid}/task/{ssh.pid}/children").read_text().split()
        assert all("Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2] for pid in children)
        ssh.stdin.close()
    assert ssh.returncode == 0


@pytest.mark.every_engine
def test_ssh_is_launched_by_sshore_ssh_and_not_by_a_name_alone(nia: Owner) -> None:
    nia.run_session("quiet", "--network", "none", app="")
    by_name = ["ssh", "-F", str(own_config(nia)), "quiet.sshore", "true"]
    done = subprocess.run(by_name, env=nia.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 255 and b"sshore app start quiet ssh" in done.stderr
    token = nia.ok("token", "create", "--scope", "streams").split()[-1]
    nia.environment["SSHORE_TOKEN"] = token
    try:
        assert nia.run("ssh", "quiet", "true").returncode == 1  # it may not launch
        assert nia.ok("ssh", "demo", "hostname") == "demo\n"  # but have the certificate of what is launched
    finally:
        del nia.environment["SSHORE_TOKEN"]
    assert nia.ok("ssh", "quiet", "hostname") == "quiet\n"
    nia.remove("quiet")


class TestOverTls:
    """The socket alone is not the stream: `ssh` has one end of a pair, and a child relays to the other."""

    @pytest.fixture
    def away(self, shared: Deployment, nia: Owner, tmp_path: Path) -> Iterator[Owner]:
        with tls_front(shared.port, tmp_path) as (port, certificate):
            token = nia.ok("token", "create", "--name", "away").split()[-1]
            nia.environment |= {"SSHORE_SERVER": f"https://127.0.0.1:{port}", "SSHORE_TOKEN": token}
            nia.environment["SSL_CERT_FILE"] = str(certificate)
            yield nia
            for name in ("SSHORE_SERVER", "SSHORE_TOKEN", "SSL_CERT_FILE"):
                del nia.environment[name]

    @pytest.mark.parametrize("how", ["by name", "by sshore ssh"])
    def test_streams_arrive_whole_and_end(self, away: Owner, how: str) -> None:
        words = {
            "by name": ["ssh", "-F", str(own_config(away)), "demo.sshore"],
            "by sshore ssh": [SSHORE, "ssh", "demo"],
        }
        data = bytes(range(256)) * 8192
        done = subprocess.run([*words[how], "cat; echo end"], env=away.environment, input=data, capture_output=True,
                              timeout=60)  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, data + b"end\n", b"")

    def test_cp_and_sftp_go_the_same_way(self, away: Owner, tmp_path: Path) -> None:
        (tmp_path / "sent").write_bytes(b"x" * 100_000)
        away.ok("cp", str(tmp_path / "sent"), "demo:sent")
        assert b"sent" in away.run("sftp", "-b", "-", "demo", stdin=b"ls\n").stdout
