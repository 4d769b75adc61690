"""What users get wrong, and what a machine lacks: one clear line on stderr, the right status, nothing half-made."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import Deployment, Owner, deployment
from host_processes import sandboxes_of
from programs import need, need_that
from small_disk import SmallDisk, small_disk
from ssh_client import through_forward

from bench.processes import hear
from integration.command_line import SSHORE, CommandLine
from integration.free_port import free_port

FAILED, USAGE, NOT_FOUND, REFUSED, UNAVAILABLE = 1, 2, 3, 4, 5


def refused(who: CommandLine, *arguments: str, status: int, says: str) -> str:
    """The one line by which a command is refused."""
    return one_line(who.run(*arguments), status, says)


def one_line(done: subprocess.CompletedProcess[bytes], status: int, says: str) -> str:
    error = done.stderr.decode()
    assert done.returncode == status, error
    assert says in error
    assert error.startswith("sshore: ")
    assert error.count("\n") == 1, error
    return error


class TestSessions:
    @pytest.mark.parametrize(
        "command",
        ["show", "start", "stop", "rm", "logs", "key", "connect", "stream", "ssh", "sftp", "app ls", "certify"],
    )
    def test_an_unknown_session_is_not_found_and_one_is_suggested(self, shared: Deployment, command: str) -> None:
        if command == "certify":  # `ssh` runs it beside `sshore stream`, which says it
            assert shared.admin.run("certify", "dmeo").returncode == NOT_FOUND
            return
        refused(shared.admin, *command.split(), "dmeo", status=NOT_FOUND, says="did you mean demo?")

    @pytest.mark.parametrize(
        "command",
        [
            "show ida/box",
            "rm --force ida/box",
            "folder rm ida/data",
            "user allow a/b gpus=0",
            "user rm ../ann",
            "group rm a/b",
        ],
    )
    def test_what_is_another_persons_is_not_found_by_a_path_either(self, shared: Deployment, command: str) -> None:
        refused(shared.admin, *command.split(), status=NOT_FOUND, says="a name has no '/'")

    def test_no_name_is_nobodys(self, shared: Deployment) -> None:
        refused(shared.admin, "user", "allow", "", status=NOT_FOUND, says="nothing is called ''")

    def test_an_unknown_app_is_told_from_an_unknown_session(self, shared: Deployment) -> None:
        error = refused(shared.admin, "app", "start", "demo", "foo", status=NOT_FOUND, says="there is no app 'foo'")
        assert "did you mean" not in error

    @pytest.mark.parametrize(
        ("arguments", "status", "says"),
        [
            (["Bad Name"], USAGE, "is no session name"),
            (["box", "--network", "host"], REFUSED, "the network `host` is for nobody here"),
            (["-dash"], USAGE, ""),
            (["x", "--memory", "banana"], USAGE, "'banana' is no size"),
            (["x", "--memory", "1k"], USAGE, "at least 32m"),
            (["x", "--cpus", "0"], USAGE, "0 CPUs make no session"),
            (["x", "--cpus", "nan"], USAGE, "CPUs make no session"),
            (["x", "--cpus", "many"], USAGE, ""),
            (["x", "--gpus", "-1"], USAGE, "cannot be negative"),
            (["x", "--mount", "nowhere"], NOT_FOUND, "sshore folder create nowhere"),
            (["x", "--mount", "a:b:c:d"], USAGE, "write FOLDER[:PATH][:ro]"),
            (["x", "--mount", "a:/etc"], USAGE, "the session needs that place"),
            (["x", "--engine", "docke"], NOT_FOUND, "it has: sandbox"),
            (["x", "--image", "debian"], USAGE, "no images"),
            (["x", "--app", "foo"], NOT_FOUND, "there is no app 'foo'"),
            (["demo"], FAILED, "you have a session 'demo' already"),
        ],
    )
    def test_a_session_that_cannot_be_is_refused_and_nothing_of_it_is_left(
        self, shared: Deployment, arguments: list[str], status: int, says: str
    ) -> None:
        before = what_there_is(shared)
        done = shared.admin.run("run", *arguments)
        if says:
            one_line(done, status, says)
        else:  # click's own words, with its usage line
            assert done.returncode == status
            assert b"Traceback" not in done.stderr
        assert what_there_is(shared) == before

    def test_a_running_session_is_removed_only_by_force(self, shared: Deployment) -> None:
        refused(shared.admin, "rm", "demo", status=FAILED, says="--force")
        assert shared.admin.json("show", "demo")["state"] == "running"

    def test_one_wrong_name_among_right_ones_stops_none_of_them(self, shared: Deployment) -> None:
        shared.run_session("wrong-a", "--network", "none", app="")
        refused(shared.admin, "rm", "--force", "nosuch", "wrong-a", status=NOT_FOUND, says="nosuch")
        assert shared.admin.run("show", "wrong-a").returncode == NOT_FOUND


class TestServer:
    def test_a_server_that_is_down_is_said_with_how_to_start_it(self, shared: Deployment, tmp_path: Path) -> None:
        port = free_port()
        credentials = {"SSHORE_SERVER": f"http://127.0.0.1:{port}", "SSHORE_TOKEN": "sshore_any"}
        lonely = CommandLine(tmp_path / "config", **credentials)
        for command in (["ls"], ["run", "x"], ["ssh", "x"], ["stream", "x"], ["key", "x"], ["settings", "ls"]):
            refused(lonely, *command, status=UNAVAILABLE, says="start it with: sshore up")
        assert not (tmp_path / "config" / "id_container").exists()

    def test_whoever_is_not_logged_in_is_told_how(self, tmp_path: Path) -> None:
        nobody = CommandLine(tmp_path / "config")
        refused(nobody, "ls", status=REFUSED, says="sshore login URL")

    def test_an_expired_token_is_refused_and_named(self, shared: Deployment) -> None:
        token = shared.cli("token", "create", "--name", "short", "--expires-in", "0.2").strip()
        expired = CommandLine(shared.admin.config, SSHORE_TOKEN=token)
        time.sleep(0.25)  # what is waited for is the time itself
        for command in (["ls"], ["ssh", "demo", "true"], ["stream", "demo"], ["show", "demo"]):
            refused(expired, *command, status=REFUSED, says="the API token 'short' has expired")

    def test_an_unknown_token_is_refused(self, shared: Deployment, tmp_path: Path) -> None:
        who = CommandLine(tmp_path / "config")
        refused(who, "login", shared.url, "--token", "sshore_wrong", status=REFUSED, says="not known here")
        assert not (who.config / "credentials.json").exists()

    @pytest.mark.parametrize("command", ["up --no-browser", "server"])
    def test_a_port_in_use_is_said(self, shared: Deployment, own_directory: Path, command: str) -> None:
        state = own_directory / "state"
        who = CommandLine(own_directory / "config")
        arguments = [*command.split(), "--port", str(shared.port), "--state", str(state)]
        refused(who, *arguments, status=UNAVAILABLE, says="choose another with --port")
        assert [path.name for path in state.rglob("*")] == ["server.lock"]

    def test_a_second_server_on_one_state_directory_is_refused(self, shared: Deployment, tmp_path: Path) -> None:
        who = CommandLine(tmp_path / "config")
        arguments = ["up", "--no-browser", "--port", str(free_port()), "--state", str(shared.state)]
        refused(who, *arguments, status=FAILED, says="another server runs on")
        assert shared.cli("ls")

    def test_a_state_directory_that_sessions_cannot_pass_is_refused(self, tmp_path: Path) -> None:
        need_that(os.geteuid() == 0, "only root's sessions have uids of their own")
        who = CommandLine(tmp_path / "config")
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        arguments = ["server", "--port", str(free_port()), "--state", str(closed / "state")]
        refused(who, *arguments, status=USAGE, says="cannot pass through")

    def test_a_machine_without_sshd_is_told_what_to_install(self, own_directory: Path) -> None:
        need("unshare")
        sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        need_that(os.geteuid() == 0 and sshd is not None, "only root can hide sshd for a while")
        who = CommandLine(own_directory / "config")
        # In a mount namespace of its own: nobody else misses it.
        script = f'mount --bind /dev/null {sshd} && exec "$@"'
        up = [SSHORE, "up", "--no-browser", "--port", str(free_port()), "--state", str(own_directory / "state")]
        words = ["unshare", "--mount", "sh", "-c", script, "sh", *up]
        done = subprocess.run(words, env=who.environment, capture_output=True, timeout=60)
        error = one_line(done, FAILED, "this machine has no sshd")
        assert "install" in error
        assert list(own_directory.glob("state/kit/*")) == []


class TestFullDisk:
    @pytest.fixture
    def disk(self, own_directory: Path) -> Iterator[SmallDisk]:
        with small_disk(own_directory / "small", "70m") as disk:
            yield disk

    def test_a_full_disk_is_said_and_room_for_it_mends_everything(self, shared: Deployment, disk: SmallDisk) -> None:
        with deployment(kit_of=shared.state, state=disk.path / "state") as ours:
            ours.run_session("box", "--network", "none")
            box = through_forward(ours.admin, ours.connect("box"))
            before = what_there_is(ours)
            disk.fill()
            refused(ours.admin, "run", "nofit", status=FAILED, says="disk of the server's state directory is full")
            assert what_there_is(ours) == before
            # Whoever is to make room gets in, and a transfer ends with an error of its own.
            assert ours.cli("ssh", "box", "whoami") == "work\n"
            upload = box.run("cat > big", stdin=bytes(1 << 20))
            assert upload.returncode != 0
            assert b"No space left on device" in upload.stderr
            sftp = ours.admin.run("sftp", "-b", "-", "box", stdin=b"put /etc/services\n")
            assert sftp.returncode != 0
            assert sftp.stderr
            disk.make_room()
            assert box.ok("cat > small && cat small", stdin=b"fits\n") == "fits\n"
            ours.run_session("fits", "--network", "none")
            assert ours.cli("ssh", "fits", "whoami") == "work\n"

    def test_a_server_that_died_on_a_full_disk_comes_back_on_it(self, shared: Deployment, disk: SmallDisk) -> None:
        with deployment(kit_of=shared.state, state=disk.path / "state") as ours:
            ours.run_session("box", "--network", "none")
            box = through_forward(ours.admin, ours.connect("box", "--port", str(free_port())))
            with box.start("echo open; cat") as open_then:
                assert open_then.stdout is not None
                hear(open_then, b"open\n")
                disk.fill()
                ours.server.kill()
                open_then.communicate(timeout=20)
            ours.server.start()
            assert "streams of the last server stay noted as open" in ours.server.log.read_text()
            assert box.ok("whoami") == "work\n"
            ours.remove("box")

    def test_a_full_disk_is_no_reason_not_to_remove_a_session(self, shared: Deployment, disk: SmallDisk) -> None:
        with deployment(kit_of=shared.state, state=disk.path / "state") as ours:
            ours.run_session("box", "--network", "none")
            ours.cli("ssh", "box", "head -c 2M /dev/zero > data")
            disk.fill()
            ours.remove("box")
            assert what_there_is(ours) == ([], [], 0)
            ours.run_session("next", "--network", "none", app="")

    def test_a_disk_too_small_for_the_kit_is_said_and_nothing_half_made_stays(self, own_directory: Path) -> None:
        with small_disk(own_directory / "tiny", "20m") as disk:
            who = CommandLine(own_directory / "config")
            arguments = ["up", "--no-browser", "--port", str(free_port()), "--state", str(disk.path / "state")]
            refused(who, *arguments, status=FAILED, says="the kit needs")
            assert [path.name for path in disk.path.glob("state/kit/*")] == [".lock"]


@pytest.fixture
def own_directory() -> Iterator[Path]:
    """A directory that sessions' uids could pass, which pytest's tmp_path is not."""
    path = Path(tempfile.mkdtemp(prefix="sshore-e2e-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def what_there_is(ours: Deployment | Owner) -> tuple[list[str], list[str], int]:
    """Rows, directories and processes of sessions."""
    assert isinstance(ours, Deployment)
    names = sorted(session["name"] for session in ours.admin.json("ls", "--all"))
    directories = sorted(path.name for path in (ours.state / "sessions").iterdir())
    return names, directories, sandboxes_of(ours.state)
