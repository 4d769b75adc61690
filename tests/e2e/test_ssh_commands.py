"""Real `ssh`: the lines that users paste, commands and what comes of them, terminals."""

import hashlib
import os
import shlex
from pathlib import Path

import pytest
from deployment import Deployment
from ssh_client import SshClient, run
from terminal import terminal

from sshore.core import layout
from sshore.proxy.forwards import Card

pytestmark = pytest.mark.every_engine


class TestTheLinesThatUsersPaste:
    def test_the_commissioned_line_gives_a_shell(self, shared: Deployment, card: Card, tmp_path: Path) -> None:
        shared.cli("key", "demo", "-o", str(tmp_path / "id_container"))
        line = "ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i id_container work@localhost -p "
        with terminal(shlex.split(line + str(card.port)), os.environ, cwd=tmp_path) as user:
            user.expect(r"[$#] ")
            user.type("echo $((6*7)) $USER@$(hostname)\r")
            user.expect("42 work@demo")
            user.type("exit 7\r")
            assert user.wait() == 7

    def test_the_cards_ssh_line_verifies_the_host_and_asks_nothing(self, card: Card) -> None:
        done = run([*shlex.split(card.command), "-o", "BatchMode=yes", "whoami"], os.environ)
        assert (done.returncode, done.stdout) == (0, b"work\n"), done.stderr.decode()

    def test_the_cards_sftp_line_works_likewise(self, card: Card, tmp_path: Path) -> None:
        (tmp_path / "here").write_text("there")
        options = ["-b", "-"]
        words = shlex.split(card.sftp_command)
        batch = b"put here there.txt\nget there.txt back\npwd\n"
        done = run([words[0], *options, *words[1:]], os.environ, batch, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        assert b"/home/work" in done.stdout
        assert (tmp_path / "back").read_text() == "there"

    def test_sshore_ssh_and_sftp_need_no_key_at_all(self, shared: Deployment, tmp_path: Path) -> None:
        assert shared.cli("ssh", "demo", "--", "echo $SSHORE_SESSION") == "demo\n"
        done = shared.admin.run("sftp", "-b", "-", "demo", stdin=b"pwd\n")
        assert b"/home/work" in done.stdout, done.stderr.decode()
        (tmp_path / "file").write_text("by cp")
        shared.cli("cp", str(tmp_path / "file"), "demo:by-cp")
        shared.cli("cp", "demo:by-cp", str(tmp_path / "back"))
        assert (tmp_path / "back").read_text() == "by cp"


class TestCommands:
    @pytest.mark.parametrize("status", [0, 3])
    def test_the_exit_status_is_the_commands(self, demo_either_way: SshClient, status: int) -> None:
        assert demo_either_way.run(f"exit {status}").returncode == status

    def test_a_command_ended_by_a_signal_is_told_from_one_that_exits(self, demo_either_way: SshClient) -> None:
        assert demo_either_way.run("kill -TERM $$").returncode == 255
        assert demo_either_way.ok("sh -c 'kill -TERM $$'; echo $?") == "143\n"

    def test_stdout_and_stderr_are_kept_apart(self, demo_either_way: SshClient) -> None:
        done = demo_either_way.run("echo out; echo err >&2; echo more")
        assert (done.stdout, done.stderr) == (b"out\nmore\n", b"err\n")

    def test_bytes_of_every_value_pass_both_ways(self, demo_either_way: SshClient) -> None:
        data = bytes(range(256)) * 64
        assert demo_either_way.run("cat", stdin=data).stdout == data

    def test_100_mb_of_stdin_arrive(self, demo_either_way: SshClient, random_64_mib: bytes) -> None:
        data = (random_64_mib * 2)[:100_000_000]
        done = demo_either_way.run("cat | sha256sum", stdin=data)
        assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()

    def test_output_goes_on_after_the_end_of_stdin(self, demo_either_way: SshClient) -> None:
        done = demo_either_way.run("cat >/dev/null; seq 1 1000000", stdin=b"enough\n")
        assert done.returncode == 0
        assert done.stdout == b"".join(b"%d\n" % i for i in range(1, 1_000_001))

    def test_input_goes_on_after_the_end_of_stdout(self, demo_either_way: SshClient, random_64_mib: bytes) -> None:
        digest = hashlib.sha256(random_64_mib).hexdigest()
        done = demo_either_way.run("exec >&-; sha256sum >&2", stdin=random_64_mib)
        assert done.stderr.split()[0].decode() == digest


# bash can be held up for good by a signal that comes while it runs the trap of another.
_TELLS_SIZES = """
import os, signal, sys
def tell(when, *_):
    columns, rows = os.get_terminal_size()
    os.write(1, f"{when} {rows} {columns}\\n".encode())
signal.signal(signal.SIGWINCH, lambda *_: tell("now"))
signal.signal(signal.SIGINT, lambda *_: sys.exit(5))
tell("at first")
while True:
    signal.pause()
"""


class TestTerminals:
    def test_the_program_sees_the_windows_size_and_every_change_of_it(self, demo_either_way: SshClient) -> None:
        program = f"{shlex.join(layout.AGENT_COMMAND[:-1])} -c {shlex.quote(_TELLS_SIZES)}"
        arguments = demo_either_way.arguments(program, flags=("-tt",))
        with terminal(arguments, demo_either_way.environment, rows=33, columns=101) as user:
            user.expect("at first 33 101")
            for rows, columns in ((44, 120), (20, 60)):
                user.resize(rows, columns)
                # OpenSSH's client can sleep over a SIGWINCH that comes just before it waits; a key wakes it.
                user.expect(f"now {rows} {columns}", key=" ")
            user.type("\x03")
            assert user.wait() == 5

    def test_terminal_type_and_line_editing(self, demo: SshClient) -> None:
        with terminal(demo.arguments(flags=("-tt",)), demo.environment) as user:
            user.expect(r"[$#] ")
            user.type("echo $TERM-$(tty)\r")
            user.expect("xterm-/dev/pts/[0-9]+")
            user.type("echo wronh\x7fg\r")
            user.expect("\rwrong\r")
            user.expect(r"[$#] ")
            user.type("\x04")
            assert user.wait() == 0

    def test_programs_hear_of_a_terminal_that_went_away(self, demo: SshClient) -> None:
        marker = "hung-up.marker"
        script = f"trap 'touch {marker}; exit' HUP; echo waiting; while :; do sleep 0.05; done"
        with terminal(demo.arguments(f"bash -c {shlex.quote(script)}", flags=("-tt",)), demo.environment) as user:
            user.expect("waiting")
        demo.ok(f"for i in $(seq 100); do [ -e {marker} ] && exec rm {marker}; sleep 0.05; done; exit 1")
