"""What a kit learns of this machine's sshd, by programs that answer as real ones did: 9.2, 10.3 and 10.6."""

from pathlib import Path

import pytest

from sshore.core import layout
from sshore.core.public_keys import KEY_TYPES, LONG_KNOWN_KEY_TYPES
from sshore.core.run_files import folder_sshd_config, sshd_config
from sshore.kit.agent_sockets import IS, move_agent_sockets
from sshore.kit.sshd_options import accepted_key_types, kit_sshd_config

# Recorded from Debian 12's, trixie-backports' and sid's.
_BEFORE_G = 'echo "unknown option -- G" >&2; exit 1'
_WITHOUT_OPTION = """case "$*" in
*AgentSocketPath*) echo "command-line: line 0: Bad configuration option: AgentSocketPath" >&2; exit 1 ;;
esac
echo "pubkeyacceptedalgorithms ssh-ed25519-cert-v01@openssh.com,rsa-sha2-512-cert-v01@openssh.com,ssh-ed25519,\
ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,\
sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256" """
_WITH_OPTION = """echo "PubkeyAcceptedAlgorithms rsa-sha2-512-cert-v01@openssh.com,ssh-mldsa44-ed25519-cert,\
ssh-ed25519,ssh-mldsa44-ed25519"
echo "AgentSocketPath shared:/tmp" """


def sshd(directory: Path, answer: str) -> Path:
    program = directory / "sshd"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("answer", "types"),
    [
        (_BEFORE_G, LONG_KNOWN_KEY_TYPES),
        (_WITHOUT_OPTION, LONG_KNOWN_KEY_TYPES),
        (_WITH_OPTION, {"ssh-ed25519", "ssh-mldsa44-ed25519"}),
    ],
    ids=["9.2", "10.3", "10.6"],
)
def test_the_types_of_keys_are_those_that_sshd_lets_in(tmp_path: Path, answer: str, types: set[str]) -> None:
    assert accepted_key_types(sshd(tmp_path, answer)) == types
    assert types <= KEY_TYPES


def test_a_program_that_cannot_be_run_is_no_reason_to_fail(tmp_path: Path) -> None:
    assert accepted_key_types(tmp_path / "none") == LONG_KNOWN_KEY_TYPES


def test_agent_sockets_are_moved_where_sshd_can_be_told_to(tmp_path: Path) -> None:
    programs = {"bin/sshd": sshd(tmp_path, _WITH_OPTION)}
    assert "AgentSocketPath shared:/tmp\n" in kit_sshd_config(programs)
    sshd(tmp_path, _WITHOUT_OPTION)
    assert "AgentSocketPath" not in kit_sshd_config(programs)


def test_sshd_finds_its_helpers_in_the_kit_where_there_are_any(tmp_path: Path) -> None:
    program = sshd(tmp_path, _WITHOUT_OPTION)
    helpers = {"bin/sshd-session": program, "bin/sshd-auth": program}
    lines = kit_sshd_config({"bin/sshd": program, **helpers}).splitlines()
    assert lines[1:] == [
        f"SshdSessionPath {layout.KIT_BIN}/sshd-session",
        f"SshdAuthPath {layout.KIT_BIN}/sshd-auth",
    ]
    assert kit_sshd_config({"bin/sshd": program}).splitlines()[1:] == []


@pytest.mark.parametrize(
    "config",
    [sshd_config({}, (), cpu_has_aes=True), folder_sshd_config((), cpu_has_aes=True)],
    ids=["session", "folder"],
)
def test_sessions_and_folders_include_what_the_kit_says(config: str) -> None:
    assert f"Include {layout.KIT_SSHD_CONFIG}\n" in config


def test_the_directory_of_agent_sockets_becomes_tmp_and_nothing_moves(tmp_path: Path) -> None:
    """As in sshd-session 10.3: the directory, then the pattern of the socket's name."""
    program = tmp_path / "sshd-session"
    before = b"\x7fELF user:.ssh/agent\0.ssh\0.ssh/agent\0%s/%s/s.%s.%s.XXXXXXXXXX\0"
    program.write_bytes(before)
    assert move_agent_sockets(program)
    after = program.read_bytes()
    assert after == before.replace(b"\0.ssh/agent\0", b"\0../../tmp\0\0") and len(after) == len(before)
    assert not move_agent_sockets(program)
    assert Path(f"{layout.HOME}/{IS}").resolve() == Path("/tmp").resolve()
