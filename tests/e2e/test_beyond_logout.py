"""What users leave running when they log out, or when their line breaks."""

import random

import psutil
import pytest
from host_processes import command_of
from programs import need
from ssh_client import SshClient
from terminal import Terminal, terminal


@pytest.mark.every_engine
def test_what_nohup_starts_outlives_the_terminal_that_it_was_typed_at(demo: SshClient) -> None:
    words = ["sleep", str(random.randint(10**6, 10**9))]
    with terminal(demo.arguments(flags=("-t",)), demo.environment) as user:
        user.expect(r"[$#] ")
        user.type(f"nohup {' '.join(words)} >/dev/null 2>&1 &\r")
        user.expect(r"\[1\] \d+")
        user.type("exit\r")
        assert user.wait() == 0
    demo.ok("true")  # by now the terminal's end has been told to all who were at it
    (left,) = (process for process in psutil.process_iter() if command_of(process) == words)
    left.kill()


def test_tmux_has_everything_as_it_was_when_the_line_broke(demo: SshClient) -> None:
    need("tmux")

    def attach(to: Terminal) -> None:
        to.expect(r"[$#] ")
        to.type("tmux -L test new-session -A -s kept\r")
        to.expect(r"\[kept\]")

    try:
        with terminal(demo.arguments(flags=("-t",)), demo.environment) as user:
            attach(user)
            user.type("KEPT=$((6 * 7)); echo =$KEPT=\r")
            user.expect("=42=")
        # Its ssh has been killed.
        with terminal(demo.arguments(flags=("-t",)), demo.environment) as user:
            attach(user)
            user.type("echo -$KEPT-\r")
            user.expect("-42-")
    finally:
        demo.run("tmux -L test kill-server")
