"""Has sshd keep the sockets of forwarded agents in /tmp, as it did until OpenSSH 10.0.

Since 10.1 it makes them in ~/.ssh/agent (misc-agent.c): where ~/.ssh is a folder, it is one directory for all sessions
that have it, each of which can use what was forwarded to another, and where the folder is read-only it cannot make
them. The setting that moves them came with 10.6; in the programs between the directory is a string, which the kit's
copy has changed. /tmp is each session's own.
"""

from pathlib import Path

_WAS = b"\0.ssh/agent\0"
IS = "../../tmp"
"""Below the account's home, `layout.HOME`. No longer than what it replaces."""


def move_agent_sockets(program: Path) -> bool:
    """Change the directory in a program of OpenSSH's; whether it was there."""
    data = program.read_bytes()
    if _WAS not in data:
        return False
    program.write_bytes(data.replace(_WAS, b"\0%s\0" % IS.encode().ljust(len(_WAS) - 2, b"\0")))
    return True
