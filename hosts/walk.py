"""Goes through Sshore on the machine that it runs on, as root and as an ordinary user: `python3 -m hosts.walk RESULTS`.

It begins where the README begins, with `make up` in a clone, and writes what came of each step as JSON.
"""

import json
import os
import pwd
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.processes import DidNotServe, running
from hosts.steps import PRELUDE, STEPS, Step

_CLONE = Path(__file__).parents[1]
_USER = "someone"
_CLIENTS = ("rsync",)
"""What the steps need and nobody asks a machine for that only runs `make up`."""
_UP_S = 300.0
_STEP_S = 60.0
UP, AGAIN, WARNINGS = "make up", "Ctrl-C, make up: as before", "no warning in what the server said"


@dataclass(frozen=True, slots=True)
class Account:
    """Who goes through it, from a clone of the account's own."""

    name: str
    clone: Path

    @property
    def home(self) -> Path:
        return Path(pwd.getpwnam(self.name).pw_dir)

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.clone}/.venv/bin:{os.environ['PATH']}"
        return {**os.environ, "HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, "PATH": path}

    def command(self, *words: str) -> list[str]:
        return ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", *words]

    def does(self, step: Step) -> str:
        """What came of it: ``ok``, or what was said."""
        words = self.command("bash", "-c", PRELUDE + step.script)
        how = {"env": self.environment, "cwd": self.home, "stdin": subprocess.DEVNULL, "timeout": _STEP_S}
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)
        except subprocess.TimeoutExpired as late:
            return f"not within {_STEP_S:g} s: {_last_line(late.output or b'')}"
        return "ok" if done.returncode == 0 else _last_line(done.stdout) or f"exit status {done.returncode}"

    def goes_through(self) -> dict[str, str]:
        """What came of each step."""
        results: dict[str, str] = {}
        up = self.command("make", "--no-print-directory", "-C", str(self.clone), "up")
        how = {"env": self.environment, "cwd": self.home}
        try:
            with running(up, _has_card, within_s=_UP_S, **how):
                results[UP] = "ok"
                for step in STEPS:
                    began = time.monotonic()
                    results[step.title] = self.does(step)
                    _tell(f"{self.name}: {step.title}: {results[step.title]} ({time.monotonic() - began:.1f} s)")
            with running(up, _has_card, within_s=_UP_S, **how):
                results[AGAIN] = self.does(Step("", "sshore ssh demo test -s g; sshore forwards | has demo"))
        except DidNotServe as failure:
            results.setdefault(UP, str(failure))
            results.setdefault(AGAIN, str(failure))
        return results


def main() -> None:
    root = Account("root", _CLONE)
    results = {root.name: root.goes_through()}
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", _USER], check=True)
    user = Account(_USER, Path("/home") / _USER / "sshore")
    subprocess.run(["git", "clone", "--quiet", _CLONE, user.clone], check=True)
    subprocess.run(["chown", "-R", f"{_USER}:", user.clone], check=True)
    results[user.name] = user.goes_through()
    Path(sys.argv[1]).write_text(json.dumps({"versions": versions(), "results": results}))


def versions() -> str:
    said = (_say("ssh", "-V"), _say("python3", "-V"), _say("sh", "-c", ". /etc/os-release; echo $PRETTY_NAME"))
    return ", ".join(said)


def _say(*words: str) -> str:
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()


def _has_card(said: str) -> bool:
    return "or shorter" in said


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
