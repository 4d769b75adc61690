"""Lets the agent say who is connected: keeps sshd from setting `SSH_CONNECTION` and `SSH_CLIENT` itself.

On the stream's socket, which is a Unix socket, sshd knows no address: it sets ``UNKNOWN 65535  65535``, of which no
script makes four words, and does so after its `SetEnv` (session.c, do_setup_env). In the kit's copy both variables are
called ``_``, which shells set anew for each command.
"""

from pathlib import Path

_NAMES = (b"SSH_CONNECTION", b"SSH_CLIENT")


def release_variables(program: Path) -> bool:
    """Rename the two variables in a program of OpenSSH's; whether it had them."""
    before = data = program.read_bytes()
    for name in _NAMES:
        # Only the beginning changes: a linker lets other strings share the end.
        data = data.replace(b"\0" + name + b"\0", b"\0_\0" + name[2:] + b"\0")
    if data != before:
        program.write_bytes(data)
    return data != before
