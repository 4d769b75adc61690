"""What others wrote gives no orders to a person's terminal, whichever command shows it; a pipe gets it as it is."""

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import SSHORE, CommandLine
from fake_server import FakeServer, session

from sshore.wire.heads import RequestHead, problem_response
from sshore.wire.problems import Code, Problem

ORDERS = {
    "a window's title": "\x1b]0;owned\x07",
    "what is asked of the terminal": "\x1b[6n",
    "the same in 8 bits": "\x9b6n",
    "one word written over another": "refused\rallowed",
    "a way back in the line": "\b\b\b",
    "another direction": "\u202egnp.exe",
}
HOSTILE = "begin " + " ".join(ORDERS.values()) + " end"
LOG = f"line\tone\r\n{HOSTILE}\n\x1b[31mred\x1b[0m 한국어 \u3000👩\u200d💻\n"


class HostileServer(FakeServer):
    """Says what it likes wherever text is free."""

    def _respond(self, head: RequestHead, body: Any) -> bytes:
        if head.path.endswith("/images"):
            return problem_response(Problem(Code.FORBIDDEN, HOSTILE))
        if "/logs" in head.path:
            log = LOG.encode()
            return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(log), log)
        return super()._respond(head, body)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeServer]:
    with HostileServer() as server:
        server.sessions = {"demo": session("demo", reason=HOSTILE, image=HOSTILE, owner="ann", state="failed")}
        yield server


@pytest.fixture
def sshore(tmp_path: Path, server: FakeServer) -> CommandLine:
    return CommandLine(tmp_path / "config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token, COLUMNS="300")


def on_terminal(words: Sequence[str], environment: Mapping[str, str], *, check: bool = False) -> str:
    """What a program writes to a terminal that is its stdin, stdout and stderr."""
    master, slave = pty.openpty()
    written = bytearray()

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # EIO: nobody is on the other side any more
                return
            written.extend(data)

    reader = threading.Thread(target=read)
    reader.start()
    environment = {**environment, "TERM": "xterm-256color"}
    done = subprocess.run(words, env=environment, stdin=slave, stdout=slave, stderr=slave, timeout=60)
    os.close(slave)
    reader.join(10)
    os.close(master)
    if check:
        done.check_returncode()
    return written.decode(errors="surrogateescape").replace("\r\n", "\n")  # what the line discipline made (ONLCR)


@pytest.mark.parametrize(
    "arguments", [("logs", "demo"), ("ls",), ("show", "demo"), ("image", "ls"), ("stop", "\x1b]0;owned\x07")]
)
def test_no_order_reaches_a_terminal(sshore: CommandLine, arguments: tuple[str, ...]) -> None:
    shown = on_terminal([SSHORE, *arguments], sshore.environment)
    assert "owned" in shown, "this command does not show it"
    for what, order in ORDERS.items():
        assert order not in shown, what


def test_text_shows_as_it_was_meant(sshore: CommandLine) -> None:
    shown = on_terminal([SSHORE, "logs", "demo"], sshore.environment)
    assert "line\tone\nbegin" in shown
    assert "\nred 한국어 \u3000👩\u200d💻\n" in shown  # colours are left out


def test_tables_keep_their_own_colours(sshore: CommandLine) -> None:
    assert "\x1b[31mfailed" in on_terminal([SSHORE, "ls"], sshore.environment)


def test_a_pipe_gets_it_byte_for_byte(sshore: CommandLine) -> None:
    assert sshore.run("logs", "demo").stdout == LOG.encode()


def test_a_wait_shows_no_orders(sshore: CommandLine) -> None:
    """The spinner is drawn by rich, which gives orders of its own."""
    script = (
        "import sys, time; from sshore.cli.terminal import guard_streams; guard_streams()\n"
        "from sshore.cli.output import progress; from sshore.cli.pull_view import pull_view\n"
        "from sshore.schema.session_messages import PullMessage\n"
        f"words = {HOSTILE!r}\n"
        "with progress(words) as say: time.sleep(0.15); say(words + '2'); time.sleep(0.15)\n"
        "with pull_view(words) as show: show(words, PullMessage(words, 2, 1, 5, 10)); time.sleep(0.2)\n"
    )
    shown = on_terminal([sys.executable, "-c", script], sshore.environment, check=True)
    assert "owned" in shown and "pulls begin" in shown
    for what, order in ORDERS.items():
        assert order not in shown, what
