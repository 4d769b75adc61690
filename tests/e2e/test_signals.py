"""Signals by AsyncSSH, which asks for them by the protocol (RFC 4254 §6.9, §6.10) as OpenSSH's own `ssh` does not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ssh_client import SshClient

from sshore.proxy.forwards import Card

_PROGRAM = Path(__file__).with_name("ssh-libraries") / "asyncssh_signals.py"


@pytest.fixture(scope="module")
def heard(card: Card) -> dict[str, object]:
    words = [sys.executable, str(_PROGRAM), str(card.port), card.key_file, card.known_hosts_file]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.every_engine
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "KILL", "USR1", "USR2"])
def test_a_program_ends_by_the_signal_that_is_sent_and_that_is_told(heard: dict[str, object], name: str) -> None:
    assert heard[name] == name


@pytest.mark.every_engine
def test_a_program_that_handles_a_signal_goes_on(heard: dict[str, object]) -> None:
    assert heard["handled"] == ["heard it", 7]


@pytest.mark.every_engine
def test_no_silence_is_too_long_for_sshd(demo: SshClient) -> None:
    """A quarter of an hour takes too long for a test: sshd says itself that it waits for ever. The gateway's part is in
    tests/integration/test_gateway.py."""
    said = demo.ok("/opt/sshore/bin/sshd -T -f /run/sshore/sshd_config").splitlines()
    options = dict(line.split(" ", 1) for line in said)
    assert (options["clientaliveinterval"], options["tcpkeepalive"]) == ("0", "no")
    for option in ("channeltimeout", "unusedconnectiontimeout"):  # not before OpenSSH 9.2
        assert options.get(option, "none") == "none"
    assert options["rekeylimit"].split() == ["0", "0"]
