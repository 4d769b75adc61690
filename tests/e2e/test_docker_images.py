"""Sessions from any image: what OpenSSH's programs find in a container, whatever the image has or lacks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, SessionsIn, deployment
from programs import need
from ssh_client import SshClient, through_forward
from terminal import terminal

from integration.docker_daemon import DockerDaemon
from integration.docker_images import (
    ALPINE,
    BROKEN,
    BUSYBOX,
    DEBIAN,
    HOSTILE,
    LINKED,
    LIVED_IN,
    MANY_LINES,
    NO_SHELL,
    NOBODY,
    UBUNTU,
)

WITH_A_SHELL = [BUSYBOX, ALPINE, DEBIAN, UBUNTU, LIVED_IN, HOSTILE, LINKED]
WITHOUT_ONE = [NO_SHELL, NOBODY]


@pytest.fixture(scope="module")
def server(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    with deployment(kit_of=shared.state, sessions_in=SessionsIn(docker_host=dockerd.host)) as made:
        yield made


class Clients:
    """SSH clients of sessions without a network, each of which is made when it is first asked for."""

    def __init__(self, server: Deployment, dockerd: DockerDaemon) -> None:
        self._server = server
        self._dockerd = dockerd
        self._made: dict[str, SshClient] = {}

    def __getitem__(self, image: str) -> SshClient:
        if image not in self._made:
            need(*(["musl-gcc"] if image == ALPINE else []))
            name = image.rpartition(":")[2]
            options = ("--engine", "docker", "--image", self._dockerd.need(image), "--network", "none")
            self._server.admin.run_session(name, *options)
            self._made[image] = through_forward(self._server.admin, self._server.connect(name))
        return self._made[image]


@pytest.fixture(scope="module")
def clients(server: Deployment, dockerd: DockerDaemon) -> Clients:
    return Clients(server, dockerd)


@pytest.fixture(params=WITH_A_SHELL)
def client(request: pytest.FixtureRequest, clients: Clients) -> SshClient:
    return clients[request.param]


def test_the_account_is_work_in_its_home(client: SshClient) -> None:
    assert client.ok("id -un; id -gn; echo $USER $HOME; pwd") == "work\nwork\nwork /home/work\n/home/work\n"
    assert client.ok("touch a && rm a; ls -ld . | grep -c 'work *work'") == "1\n"
    assert client.ok("touch /tmp/a && rm /tmp/a; grep -c ^work: /etc/passwd /etc/group") == (
        "/etc/passwd:1\n/etc/group:1\n"
    )


def test_the_images_own_accounts_stay(clients: Clients) -> None:
    assert "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash" in clients[UBUNTU].ok("cat /etc/passwd")
    assert clients[DEBIAN].ok("getent passwd www-data root | wc -l") == "2\n"
    assert clients[ALPINE].ok("who-by-musl") == "work by musl\n"
    assert "guest:x:405:100" in clients[ALPINE].ok("cat /etc/passwd")
    assert "kept:x:7:7:" in clients[LINKED].ok("cat /etc/passwd")
    assert clients[LIVED_IN].ok("grep -c -e ^last: -e ^wheel: /etc/passwd /etc/group") == (
        "/etc/passwd:1\n/etc/group:1\n"
    )


def test_the_shell_is_the_images_best(clients: Clients) -> None:
    shells = {image: clients[image].ok("echo $SHELL").strip() for image in WITH_A_SHELL}
    assert [image for image, shell in shells.items() if shell == "/bin/bash"] == [DEBIAN, UBUNTU]
    assert set(shells.values()) == {"/bin/bash", "/bin/sh"}


@pytest.mark.parametrize("shell", ["{}", "exec $SHELL -lc '{}'"], ids=["a command", "a login shell"])
def test_every_login_has_the_images_variables(clients: Clients, shell: str) -> None:
    path = clients[UBUNTU].ok(shell.format("echo $PATH")).strip().split(":")
    assert (path[0], path[-1]) == ("/opt/venv/bin", "/opt/sshore/bin")
    assert clients[UBUNTU].ok(shell.format('echo "$GREETING"')) == "hello there\n"
    assert clients[ALPINE].ok(shell.format("echo $PATH")).startswith("/opt/tool:/bin:")
    assert clients[BUSYBOX].ok(shell.format("echo $GREETING $SSHORE_SESSION")) == "hello busybox\n"


def test_variables_that_spoil_things_spoil_nothing_of_the_platforms(clients: Clients, tmp_path: Path) -> None:
    need("rsync")
    hostile = clients[HOSTILE]
    assert hostile.ok("echo $SSHORE_SESSION $HOSTNAME-; hostname") == "hostile hostile-\nhostile\n"
    assert hostile.ok("echo $LD_PRELOAD $PYTHONHOME; echo ${#LONG} ${#VARIABLE_299} ${#TOO_LONG}").split() == [
        *("/nonexistent.so", "/nonexistent", "100000", "100", "120000"),
    ]
    assert hostile.ok('printf %s "$QUOTED"') == """it's "quoted" $HOME \\ # %h"""
    (tmp_path / "file").write_bytes(os.urandom(300_000))
    hostile.program("rsync", "-e", hostile.command_line, f"{tmp_path}/file", f"{hostile.destination}:file")
    hostile.sftp(f"get file {tmp_path}/back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


@pytest.mark.parametrize("how", ["a command", "a login shell"])
def test_a_variable_may_have_many_lines_and_any_name(clients: Clients, how: str) -> None:
    hostile = clients[HOSTILE]
    line = 'echo "$0"; printf %s "$MANY_LINES"; echo "=$UTF8=${#TOO_LONG}"'
    said = hostile.run(line) if how == "a command" else hostile.run(stdin=f"{line}\n".encode())
    name = "sh" if how == "a command" else "-sh"
    assert said.stdout.decode() == f"{name}\n{MANY_LINES}=한글=120000\n", said.stderr
    assert "LINES_OF=one\ntwo\n" in clients[NO_SHELL].ok("env")


def test_variables_that_no_program_can_have_are_named(clients: Clients, server: Deployment) -> None:
    hostile = clients[HOSTILE]
    notes = "\n".join(server.admin.json("show", "hostile")["notes"])
    assert "the image's variable 'HUGE' is left out: it is longer than 128 KiB" in notes
    assert "NOTHING" not in notes, "to the daemon it is no variable, either"
    assert hostile.ok("echo ${#HUGE} ${NOTHING-none}") == "0 none\n"
    kept = clients[HOSTILE].ok("cat /proc/$$/environ | tr '\\0' '\\n'")
    assert "WITH.DOT=dotted\n" in kept and "WITH BLANK=blank\n" in kept


def test_what_a_dockerfile_says_of_processes_and_places_counts_for_nothing(
    clients: Clients, server: Deployment, dockerd: DockerDaemon
) -> None:
    lived_in = clients[LIVED_IN]
    assert lived_in.ok("cat /srv/app/file /data/file; ls /home/work") == "of the imagein a volumeid_container\n"
    (container,) = dockerd.containers(f"sshore.session={server.admin.json('show', 'lived-in')['id']}")
    assert "Health" not in dockerd.inspect(container)["State"]
    server.cli("stop", "lived-in")
    server.cli("start", "lived-in")
    assert lived_in.ok("id -un") == "work\n"


def test_a_shell_that_is_no_program_leaves_sftp_and_says_what_it_is(clients: Clients, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("there")
    clients[BROKEN].sftp(f"put {tmp_path}/here there", f"get there {tmp_path}/back")
    assert (tmp_path / "back").read_text() == "there"
    done = clients[BROKEN].run("true")
    assert done.returncode != 0 and b"/bin/sh" in done.stderr


def test_no_volume_is_left_of_a_session(server: Deployment, clients: Clients, dockerd: DockerDaemon) -> None:
    options = ("--engine", "docker", "--image", dockerd.need(LIVED_IN), "--network", "none")
    before = dockerd.ok("volume", "ls", "-q")
    server.admin.run_session("short", *options)
    assert dockerd.ok("volume", "ls", "-q") != before
    server.remove("short")
    assert dockerd.ok("volume", "ls", "-q") == before


def test_a_terminal_gives_a_shell(client: SshClient) -> None:
    with terminal(client.arguments(), client.environment) as user:
        user.expect(r"[$#] ")
        user.type("echo $((6*7)) $(tty)\r")
        user.expect(r"42 /dev/pts/\d+")
        user.type("exit 7\r")
        assert user.wait() == 7


def test_sftp_and_scp_copy_both_ways(client: SshClient, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(os.urandom(300_000))
    client.sftp(f"put {tmp_path}/here there", f"get there {tmp_path}/back")
    client.scp("-O", ":there", str(tmp_path / "again"))
    assert (tmp_path / "back").read_bytes() == (tmp_path / "again").read_bytes() == (tmp_path / "here").read_bytes()


def test_rsync_copies_both_ways(client: SshClient, tmp_path: Path) -> None:
    need("rsync")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_bytes(os.urandom(300_000))
    rsync = ["rsync", "-a", "-e", client.command_line]
    client.program(*rsync, f"{tmp_path}/tree", f"{client.destination}:")
    client.program(*rsync, f"{client.destination}:tree/", f"{tmp_path}/back")
    assert (tmp_path / "back" / "file").read_bytes() == (tmp_path / "tree" / "file").read_bytes()


def test_what_is_left_behind_is_reaped(client: SshClient) -> None:
    client.ok("(sleep 0.2 &) ; exit 0")
    # Not just any: each `sshd -i` from OpenSSH 10 on has one of its own while it lasts.
    dead = "cat /proc/[0-9]*/status 2>/dev/null | grep -A 5 '^Name:.sleep' | grep '^State:.Z'"
    client.ok(f"for i in $(seq 100); do {dead} || exit 0; sleep 0.05; done; exit 1")


@pytest.mark.parametrize("image", WITHOUT_ONE)
class TestAnImageWithoutAShell:
    def test_sftp_works(self, clients: Clients, image: str, tmp_path: Path) -> None:
        (tmp_path / "here").write_text("there")
        clients[image].sftp(f"put {tmp_path}/here there", f"get there {tmp_path}/back")
        assert (tmp_path / "back").read_text() == "there"

    def test_so_do_scp_and_rsync(self, clients: Clients, image: str, tmp_path: Path) -> None:
        need("rsync")
        (tmp_path / "a file").write_text("there")
        clients[image].scp("-O", str(tmp_path / "a file"), ":by-scp")
        rsync = ["rsync", "-a", "-e", clients[image].command_line]
        clients[image].program(*rsync, f"{clients[image].destination}:by-scp", f"{tmp_path}/back")
        assert (tmp_path / "back").read_text() == "there"

    def test_a_shell_is_refused_in_words(self, clients: Clients, image: str) -> None:
        done = clients[image].run()
        assert (done.returncode, b"has no shell" in done.stderr) == (127, True)
        done = clients[image].run("echo $HOME | cat")
        assert (done.returncode, b"has no shell" in done.stderr) == (127, True)

    def test_single_programs_run(self, clients: Clients, image: str) -> None:
        assert "HOME=/home/work\n" in clients[image].ok("env")

    def test_the_accounts_are_the_images_and_work(self, clients: Clients, image: str, tmp_path: Path) -> None:
        clients[image].sftp(f"get /etc/passwd {tmp_path}/passwd")
        accounts = (tmp_path / "passwd").read_text()
        assert accounts.startswith("work:x:")
        assert ("nonroot:x:65532" in accounts) == (image == NO_SHELL)


def test_id_says_work_without_a_shell_or_accounts(clients: Clients) -> None:
    assert clients[NOBODY].ok("id -un") == "work\n"
