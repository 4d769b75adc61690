"""What a user's ssh_config may say for all hosts, and what `sshore` starts for its own needs does without.

They are options of a command line, behind the user's own there: the first counts (ssh_config(5)). An option that `ssh`
does not know ends it, so it is asked its version; meanwhile other things go on, and nothing is loaded for it.
"""

import os
import sys

_SINCE_8_7 = ("StdinNull=no", "ForkAfterAuthentication=no")
_FOR_SFTP = ("RemoteCommand=none", "RequestTTY=no")
_FOR_COPIES = (
    *_FOR_SFTP,
    # What scp and sftp say, too; and 45 seconds of silence are a cut network.
    *("ClearAllForwardings=yes", "ForwardAgent=no", "ForwardX11=no", "PermitLocalCommand=no"),
    *("ServerAliveInterval=15", "ServerAliveCountMax=3"),
    # ClearAllForwardings leaves the tunnel, and a connection that others share would outlive the copy.
    *("Tunnel=no", "ExitOnForwardFailure=no", "ControlMaster=no", "ControlPath=none", "AddKeysToAgent=no"),
    "LogLevel=INFO",  # of QUIET, no reason would be told
)


class Overrides:
    """Asks `ssh` its version when it is made, and waits for the answer when that is wanted."""

    def __init__(self) -> None:
        self._answer, self._pid = -1, 0
        if sys.platform == "win32":  # its OpenSSH may be 8.1
            return
        self._answer, write_end = os.pipe()
        try:
            actions = [(os.POSIX_SPAWN_DUP2, write_end, 2), (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
            self._pid = os.posix_spawnp("ssh", ["ssh", "-V"], os.environ, file_actions=actions)
        except OSError:  # whoever runs it says so
            pass
        finally:
            os.close(write_end)

    def for_command(self) -> list[str]:
        """For `ssh` with a command, which is what is meant: -N and -s of the user's own stand before these."""
        newer = self._newer()
        return _words(("RemoteCommand=none", *newer, *(("SessionType=default",) if newer else ())))

    # An SFTP server is asked for by -s, which no SessionType of a configuration takes back, nor may stand beside it.

    def for_sftp(self) -> list[str]:
        return _words((*_FOR_SFTP, *self._newer()))

    def for_copies(self) -> list[str]:
        return _words((*_FOR_COPIES, *self._newer()))

    def _newer(self) -> tuple[str, ...]:
        if not self._pid:
            return ()
        with open(self._answer, "rb") as answer:
            said = answer.read().decode("ascii", "replace")
        os.waitpid(self._pid, 0)
        self._pid = 0
        return _SINCE_8_7 if _version(said) >= (8, 7) else ()


def _version(said: str) -> tuple[int, int]:
    """Of what ``ssh -V`` says: ``OpenSSH_9.2p1 Debian-2, …``, ``OpenSSH_for_Windows_9.5p1, …``."""
    number = said.partition("OpenSSH_")[2].removeprefix("for_Windows_")
    major, _, rest = number.partition(".")
    minor = rest[: next((at for at, letter in enumerate(rest) if not letter.isdecimal()), len(rest))]
    return (int(major), int(minor)) if major.isdecimal() and minor else (0, 0)


def _words(options: tuple[str, ...]) -> list[str]:
    return [word for option in options for word in ("-o", option)]
