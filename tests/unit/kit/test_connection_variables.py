"""Which bytes of sshd are changed so that the agent's `SSH_CONNECTION` holds."""

from pathlib import Path

from sshore.kit.connection_variables import release_variables


def test_the_names_alone_are_changed(tmp_path: Path) -> None:
    program = tmp_path / "sshd"
    before = b"\x7fELF\0SSH_CONNECTION=%s\0SSH_CONNECTION\0SSH_CLIENT\0A_SSH_CLIENT\0SSH_AUTH_INFO*,SSH_CONNECTION*\0"
    program.write_bytes(before)
    assert release_variables(program)
    after = program.read_bytes()
    assert after == before.replace(b"\0SSH_CONNECTION\0", b"\0_\0H_CONNECTION\0").replace(
        b"\0SSH_CLIENT\0", b"\0_\0H_CLIENT\0"
    )
    assert len(after) == len(before)


def test_a_program_without_them_stays_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "sshd"
    program.write_bytes(b"\x7fELF\0SSH_TTY\0")
    assert not release_variables(program)
    assert program.read_bytes() == b"\x7fELF\0SSH_TTY\0"
