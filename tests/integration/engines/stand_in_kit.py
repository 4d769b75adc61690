"""A kit whose "agent" is a shell script that does what tests ask it: for engines, which do not care what runs."""

import os
import select
import time
from pathlib import Path

_AGENT = """\
#!/bin/sh
# Pid 1 of the session; asked through a pipe in the home, it answers through another.
echo "agent of $SSHORE_SESSION started"
cd /home/work
date +%s.%N > started
serve() {
    exec 3<>ask
    while read -r line <&3; do
        { sh script 2>&1; printf '\\nexit %s' $?; } </dev/null >answer 3>&-
    done
}
test -e stubborn && trap '' TERM || trap 'echo "agent asked to end"; exit 0' TERM
test -e status && exit "$(cat status)"
serve &
wait
# A script has killed who served: not a loop of waits, each of which ends at once.
while :; do sleep 1000 & wait $!; done
"""


def make_kit(place: Path) -> Path:
    """Make the kit at `place`, readable by everyone."""
    for directory in (place, place / "bin", place / "python", place / "python" / "bin"):
        directory.mkdir()
        directory.chmod(0o755)
    program = place / "python" / "bin" / "python3"
    program.write_text(_AGENT)
    program.chmod(0o755)
    return place


class Inside:
    """Runs shell scripts in a session of the stand-in kit."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @staticmethod
    def prepare(home: Path, uid: int | None) -> None:
        """Make the pipes, before the session starts."""
        for name in ("ask", "answer"):
            if not (home / name).exists():
                os.mkfifo(home / name, 0o600)
                if uid is not None:
                    os.chown(home / name, uid, uid)

    def run(self, script: str, within_s: float = 30.0) -> tuple[int, str]:
        """The exit status, and stdout with stderr; the status is -1 when the script killed even who was to answer."""
        (self._home / "script").write_text(script)
        (self._home / "script").chmod(0o644)
        answer = os.open(self._home / "answer", os.O_RDONLY | os.O_NONBLOCK)
        try:
            with (self._home / "ask").open("r+b", buffering=0) as ask:
                ask.write(b"go\n")
                text = _read_all(answer, time.monotonic() + within_s)
        finally:
            os.close(answer)
        output, _, status = text.rpartition("\nexit ")
        return (int(status), output) if status else (-1, text)

    def output(self, script: str, within_s: float = 30.0) -> str:
        """What a script printed, which must end well."""
        status, output = self.run(script, within_s)
        assert status == 0, output
        return output


def _read_all(descriptor: int, deadline: float) -> str:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    data = b""
    while poll.poll(max(0, (deadline - time.monotonic()) * 1000)):
        more = os.read(descriptor, 65536)
        if not more:
            return data.decode()
        data += more
    raise AssertionError(f"no end of the answer in time; so far: {data.decode()!r}")
