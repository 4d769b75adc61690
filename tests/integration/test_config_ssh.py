"""`sshore config-ssh`, read by the real `ssh`."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import SSHORE, CommandLine
from fake_server import FakeServer

import sshore as sshore_package


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def sshore(tmp_path: Path, server: FakeServer) -> CommandLine:
    return CommandLine(tmp_path / "my config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token)


def options_of(sshore: CommandLine, own: Path, host: str) -> dict[str, str]:
    """What `ssh` would do for a host, option by option."""
    done = subprocess.run(
        ["ssh", "-G", "-F", own, host], env=sshore.environment, capture_output=True, text=True, check=True
    )
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def test_ssh_reaches_sessions_verified_and_by_certificate(sshore: CommandLine, tmp_path: Path) -> None:
    own = tmp_path / "config"
    own.write_text("Host *\n    User someone\n    StrictHostKeyChecking no\n")
    sshore.ok("config-ssh", "--file", str(own))
    options = options_of(sshore, own, "demo.sshore")
    assert options["user"] == "work"
    assert options["stricthostkeychecking"] == "true"
    assert options["identitiesonly"] == "yes"
    assert options["proxycommand"].endswith("launch.py' stream --fdpass --certify %h")
    assert options["userknownhostsfile"].strip('"') == str(sshore.config / "ssh" / "known_hosts")
    assert Path(options["identityfile"]).exists()


def test_a_home_that_ssh_does_not_look_into_is_warned_of(sshore: CommandLine, tmp_path: Path) -> None:
    sshore.environment["HOME"] = str(tmp_path)
    done = sshore.run("config-ssh")
    assert done.returncode == 0
    assert (tmp_path / ".ssh" / "config").exists()
    assert b"whatever HOME is" in done.stderr and b"--file" in done.stderr


def test_other_hosts_are_left_alone(sshore: CommandLine, tmp_path: Path) -> None:
    own = tmp_path / "config"
    own.write_text("Host *\n    User someone\n")
    before = options_of(sshore, own, "example.org")
    sshore.ok("config-ssh", "--file", str(own))
    assert options_of(sshore, own, "example.org") == before


@pytest.mark.parametrize("content", [b"", b"Host a\n  User b", b"# mine\r\nHost a\r\n", b"\xff\n"])
def test_twice_and_removed_leaves_the_file_as_it_was(sshore: CommandLine, tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "config"
    own.write_bytes(content)
    own.chmod(0o644)
    for _ in range(2):
        sshore.ok("config-ssh", "--file", str(own))
    assert own.read_bytes().endswith(content)
    assert own.read_bytes().count(b"Include") == 1
    sshore.ok("config-ssh", "--remove", "--file", str(own))
    assert own.read_bytes() == content
    assert own.stat().st_mode & 0o777 == 0o644


def test_a_file_that_was_not_there_is_gone_again(sshore: CommandLine, tmp_path: Path) -> None:
    own = tmp_path / "home" / ".ssh" / "config"
    sshore.ok("config-ssh", "--file", str(own))
    assert own.stat().st_mode & 0o777 == 0o600
    assert own.parent.stat().st_mode & 0o777 == 0o700
    sshore.ok("config-ssh", "--remove", "--file", str(own))
    assert not own.exists()


def test_a_symbolic_link_stays_one(sshore: CommandLine, tmp_path: Path) -> None:
    real, link = tmp_path / "dotfiles", tmp_path / "config"
    real.write_text("Host a\n")
    link.symlink_to(real)
    sshore.ok("config-ssh", "--file", str(link))
    assert link.is_symlink()
    assert real.read_text().startswith("Include")
    sshore.ok("config-ssh", "--remove", "--file", str(link))
    assert (link.is_symlink(), real.read_text()) == (True, "Host a\n")


def test_removing_what_was_never_there_is_no_error(sshore: CommandLine, tmp_path: Path) -> None:
    sshore.ok("config-ssh", "--remove", "--file", str(tmp_path / "absent"))
    assert not (tmp_path / "absent").exists()


def test_ssh_shows_why_a_session_cannot_be_reached(sshore: CommandLine, server: FakeServer, tmp_path: Path) -> None:
    own = tmp_path / "config"
    sshore.ok("config-ssh", "--file", str(own))
    done = subprocess.run(
        ["ssh", "-F", own, "dmeo.sshore", "true"], env=sshore.environment, capture_output=True, text=True
    )
    assert done.returncode == 255
    assert done.stderr.count("did you mean demo") == 1


def test_an_older_file_is_renewed_in_its_place(sshore: CommandLine, server: FakeServer, tmp_path: Path) -> None:
    own = tmp_path / "config"
    own.write_text("Host a\n    User b\n")
    sshore.ok("config-ssh", "--file", str(own))
    changed = own.read_bytes()
    managed = sshore.config / "ssh" / "config"
    managed.write_text(AN_OLDER_FILE.format(directory=sshore.config / "ssh"))
    (sshore.config / "ssh" / "openssh_config").unlink()
    sshore.ok("config-ssh", "--file", str(own))
    assert own.read_bytes() == changed
    options = options_of(sshore, own, "demo.sshore")
    assert options["proxyusefdpass"] == "yes"
    assert options["proxycommand"].endswith("launch.py' stream --fdpass --certify %h")
    assert "exec" not in managed.read_text()
    sshore.ok("config-ssh", "--remove", "--file", str(own))
    assert own.read_text() == "Host a\n    User b\n"
    assert not managed.exists() and not (sshore.config / "ssh" / "openssh_config").exists()


# As version 0.1.0 wrote it.
AN_OLDER_FILE = """\
# Written by `sshore config-ssh`; changes are lost. `sshore config-ssh --remove` takes it away.
Match host *.sshore exec "sh -c 'test x$SSHORE_CERTIFIED = x%n || exec /opt/sshore certify %n'"
    CertificateFile "{directory}/certs/%h-cert.pub"
Host *.sshore
    User work
    ProxyCommand /opt/sshore stream %n
    ProxyUseFdpass no
    UserKnownHostsFile "{directory}/known_hosts"
    StrictHostKeyChecking yes
    IdentityFile "{directory}/id_sshore"
    IdentitiesOnly yes
    Ciphers aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr
"""


@pytest.fixture
def newer(tmp_path: Path) -> str:
    """A PATH with an `ssh` that says that it is newer than it is."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1" != -V ] || { echo OpenSSH_10.6p1 >&2; exit; }\nexec /usr/bin/ssh "$@"\n')
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


def test_a_newer_openssh_finds_a_certificate_of_the_last_minutes(
    server: FakeServer, tmp_path: Path, newer: str
) -> None:
    sshore = CommandLine(tmp_path / "config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token, PATH=newer)
    own = tmp_path / "own"
    sshore.ok("config-ssh", "--file", str(own))
    certificate = sshore.config / "ssh" / "certs" / "demo.sshore-cert.pub"
    # The real ssh reads the configuration, and connects to nobody.
    options = options_of(sshore, own, "demo.sshore")
    assert certificate.exists() and options["proxyusefdpass"] == "yes"
    fetched = certificate.stat().st_mtime_ns
    options_of(sshore, own, "demo.sshore")
    assert certificate.stat().st_mtime_ns == fetched, "one of the last minutes serves again"
    os.utime(certificate, (0, 0))
    options_of(sshore, own, "demo.sshore")
    assert certificate.stat().st_mtime_ns > fetched
    assert not certificate.with_name("other.sshore-cert.pub").exists()


def test_a_newer_openssh_asks_nothing_for_other_hosts(server: FakeServer, tmp_path: Path, newer: str) -> None:
    sshore = CommandLine(tmp_path / "config", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token, PATH=newer)
    own = tmp_path / "own"
    sshore.ok("config-ssh", "--file", str(own))
    asked = subprocess.run(["ssh", "-vvG", "-F", own, "github.com"], env=sshore.environment, capture_output=True)
    assert asked.returncode == 0
    assert b"originalhost" in asked.stderr and b"Executing command" not in asked.stderr


def connected(sshore: CommandLine, server: FakeServer, own: Path) -> str:
    """What `ssh` says of a session whose SSH server ends at once."""
    server.app = socket.socket.close
    command = ["ssh", "-F", own, "demo.sshore", "true"]
    return subprocess.run(command, env=sshore.environment, capture_output=True, timeout=20).stderr.decode()


def got_there(said: str) -> bool:
    """In the words of OpenSSH 9.2, or of 10.6."""
    return "kex_exchange_identification" in said or "Connection closed by 127.0.0.1" in said


ODD_NAMES = [
    "o'brien",
    "100%c",
    "two words",
    'say "hi"',
    "back\\slash",
    "[ann]",
    "what?*",
    "홍길동",
    "# 1",
    "$HOME",
    "a;b&c",
]


# Before it was 10, an ssh's `Match exec` could have no double quotes.
@pytest.mark.parametrize(("name", "new"), [*((n, False) for n in ODD_NAMES), *((n, True) for n in ODD_NAMES[1:3])])
def test_any_name_of_a_directory_leads_to_sessions_and_keeps_ssh_from_no_host(
    server: FakeServer, tmp_path: Path, newer: str, name: str, new: bool
) -> None:
    path = newer if new else os.environ["PATH"]
    sshore = CommandLine(tmp_path / name / "c", SSHORE_SERVER=server.url, SSHORE_TOKEN=server.token, PATH=path)
    own = tmp_path / "own"
    own.write_text("Host *\n    User someone\n")
    sshore.ok("config-ssh", "--file", str(own))
    assert options_of(sshore, own, "example.org")["user"] == "someone"
    said = connected(sshore, server, own)
    # The stream was open, with a certificate where `ssh` looks for it.
    assert got_there(said), said
    assert (sshore.config / "ssh" / "certs" / "demo.sshore-cert.pub").exists()
    assert "no such identity" not in said and "load" not in said
    sshore.ok("config-ssh", "--remove", "--file", str(own))
    assert own.read_text() == "Host *\n    User someone\n"


@pytest.mark.parametrize("name", ["line\nbreak", "${HOME}"])
def test_what_ssh_cannot_read_is_refused_before_it_is_in_place(sshore: CommandLine, tmp_path: Path, name: str) -> None:
    sshore.environment["SSHORE_CONFIG_DIR"] = str(tmp_path / name)
    own = tmp_path / "own"
    own.write_text("Host *\n    User someone\n")
    for command in (["config-ssh", "--file", str(own)], ["ssh", "demo", "true"]):
        done = sshore.run(*command)
        assert done.returncode == 2
        assert b"SSHORE_CONFIG_DIR" in done.stderr and done.stderr.count(b"\n") == 1
    assert own.read_text() == "Host *\n    User someone\n"


def test_an_entry_of_the_users_own_may_name_a_session(sshore: CommandLine, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("Host box\n    HostName demo.sshore\n    ServerAliveInterval 7\nHost *\n    Compression yes\n")
    before = options_of(sshore, own, "example.org")
    sshore.ok("config-ssh", "--file", str(own))
    options = options_of(sshore, own, "box")
    assert options["proxycommand"].endswith("stream --fdpass --certify %h") and options["proxyusefdpass"] == "yes"
    assert (options["user"], options["serveraliveinterval"]) == ("work", "7")
    assert options["userknownhostsfile"].strip('"') == str(sshore.config / "ssh" / "known_hosts")
    assert options_of(sshore, own, "example.org") == before


def test_where_sshore_has_moved_it_is_said_and_mended(sshore: CommandLine, server: FakeServer, tmp_path: Path) -> None:
    own = tmp_path / "own"
    sshore.ok("config-ssh", "--file", str(own))
    launcher = sshore.config / "ssh" / "launch.py"
    moved = launcher.read_text().replace(str(Path(sshore_package.__file__).parents[1]), str(tmp_path / "gone"))
    # A newer Python has it elsewhere, and the console script where it was.
    launcher.write_text(moved)
    assert got_there(connected(sshore, server, own))
    launcher.write_text(moved.replace(SSHORE, str(tmp_path / "gone" / "sshore")))
    assert "run once more: sshore config-ssh" in connected(sshore, server, own)
    said = sshore.run("doctor")
    assert said.returncode == 1 and b"sshore config-ssh sets it right" in said.stdout + said.stderr
    sshore.ok("config-ssh", "--file", str(own))
    assert sshore.run("doctor").returncode == 0
