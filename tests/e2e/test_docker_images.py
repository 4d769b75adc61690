"""Sessions from any image: what OpenSSH's programs find in a container, whatever the image has or lacks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, deployment
from programs import need
from ssh_client import SshClient, through_forward
from terminal import terminal

from integration.docker_daemon import DockerDaemon
from integration.docker_images import BUSYBOX, DEBIAN, MUSL, NO_SHELL

ANY_IMAGE = [BUSYBOX, DEBIAN, MUSL]


@pytest.fixture(scope="module")
def server(shared: Deployment, dockerd: DockerDaemon) -> Iterator[Deployment]:
    with deployment(kit_of=shared.state, docker_host=dockerd.host) as made:
        yield made


@pytest.fixture(scope="module")
def clients(server: Deployment, dockerd: DockerDaemon) -> dict[str, SshClient]:
    """An SSH client of a session of each image, without a network."""
    made = {}
    for image in (BUSYBOX, DEBIAN, MUSL, NO_SHELL):
        need(*(["musl-gcc"] if image == MUSL else []))
        name = image.rpartition(":")[2]
        server.admin.run_session(name, "--engine", "docker", "--image", dockerd.need(image), "--network", "none")
        made[image] = through_forward(server.admin, server.connect(name))
    return made


@pytest.fixture(params=ANY_IMAGE)
def client(request: pytest.FixtureRequest, clients: dict[str, SshClient]) -> SshClient:
    return clients[request.param]


def test_the_account_is_work_in_its_home(client: SshClient) -> None:
    assert client.ok("id -un; id -gn; echo $USER $HOME; pwd") == "work\nwork\nwork /home/work\n/home/work\n"
    assert client.ok("touch a && rm a; ls -ld . | grep -c 'work *work'") == "1\n"


def test_the_images_own_accounts_stay(clients: dict[str, SshClient]) -> None:
    assert "ubuntu:x:1000:1000::/home/ubuntu:/bin/bash" in clients[DEBIAN].ok("cat /etc/passwd")
    assert clients[DEBIAN].ok("getent passwd www-data root | wc -l") == "2\n"
    assert clients[MUSL].ok("who-by-musl") == "work by musl\n"


def test_the_shell_is_the_images_best(clients: dict[str, SshClient]) -> None:
    assert [clients[image].ok("echo $SHELL") for image in ANY_IMAGE] == ["/bin/sh\n", "/bin/bash\n", "/bin/sh\n"]


@pytest.mark.parametrize("shell", ["{}", "exec $SHELL -lc '{}'"], ids=["a command", "a login shell"])
def test_every_login_has_the_images_variables(clients: dict[str, SshClient], shell: str) -> None:
    path = clients[DEBIAN].ok(shell.format("echo $PATH")).strip().split(":")
    assert (path[0], path[-1]) == ("/opt/venv/bin", "/opt/sshore/bin")
    assert clients[DEBIAN].ok(shell.format('echo "$GREETING"')) == "hello there\n"
    assert clients[MUSL].ok(shell.format("echo $PATH")).startswith("/opt/tool:/bin:")
    assert clients[BUSYBOX].ok(shell.format("echo $GREETING $SSHORE_SESSION")) == "hello busybox\n"


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
    client.ok("for i in $(seq 100); do grep -l 'State:.Z' /proc/[0-9]*/status || exit 0; sleep 0.05; done; exit 1")


class TestAnImageWithoutAShell:
    def test_sftp_works(self, clients: dict[str, SshClient], tmp_path: Path) -> None:
        (tmp_path / "here").write_text("there")
        clients[NO_SHELL].sftp(f"put {tmp_path}/here there", f"get there {tmp_path}/back")
        assert (tmp_path / "back").read_text() == "there"

    def test_so_do_scp_and_rsync(self, clients: dict[str, SshClient], tmp_path: Path) -> None:
        need("rsync")
        (tmp_path / "a file").write_text("there")
        clients[NO_SHELL].scp("-O", str(tmp_path / "a file"), ":by-scp")
        rsync = ["rsync", "-a", "-e", clients[NO_SHELL].command_line]
        clients[NO_SHELL].program(*rsync, f"{clients[NO_SHELL].destination}:by-scp", f"{tmp_path}/back")
        assert (tmp_path / "back").read_text() == "there"

    def test_a_shell_is_refused_in_words(self, clients: dict[str, SshClient]) -> None:
        done = clients[NO_SHELL].run()
        assert (done.returncode, b"has no shell" in done.stderr) == (127, True)
        done = clients[NO_SHELL].run("echo $HOME | cat")
        assert (done.returncode, b"has no shell" in done.stderr) == (127, True)

    def test_the_images_accounts_stay(self, clients: dict[str, SshClient], tmp_path: Path) -> None:
        clients[NO_SHELL].sftp(f"get /etc/passwd {tmp_path}/passwd")
        assert "nonroot:x:65532" in (tmp_path / "passwd").read_text()
