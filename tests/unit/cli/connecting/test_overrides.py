"""What a user's ssh_config says for all hosts: overridden as far as that `ssh` knows the option."""

from pathlib import Path

import pytest

from sshore.cli.connecting.overrides import Overrides

NEWER = ["-o", "StdinNull=no", "-o", "ForkAfterAuthentication=no"]


@pytest.mark.parametrize(
    ("said", "knows"),
    [
        ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19", True),
        ("OpenSSH_8.7p1, OpenSSL 3.0.1", True),
        ("OpenSSH_10.0, LibreSSL 4", True),
        ("OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2", True),
        ("OpenSSH_8.6p1", False),
        ("OpenSSH_8.10", True),
        ("Sun_SSH_2.2", False),
        ("", False),
    ],
)
def test_no_option_that_it_would_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, knows: bool
) -> None:
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for words in (Overrides().for_command(), Overrides().for_sftp(), Overrides().for_copies()):
        assert (words[-4:] == NEWER or words[-6:-2] == NEWER) is knows
        assert "RemoteCommand=none" in words
    assert ("SessionType=default" in Overrides().for_command()) is knows
    for words in (Overrides().for_sftp(), Overrides().for_copies()):
        assert not [word for word in words if "SessionType" in word]  # ssh refuses it beside -s


def test_without_any_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Overrides().for_command() == ["-o", "RemoteCommand=none"]
