"""Goes through Sshore on the machine that it runs on, as root and as an ordinary user: `python3 -m hosts.walk RESULTS`.

Each begins where the README begins, with `make up` in a clone, and does what steps.sh says; both at the same time. What
came of it is written as JSON: ``{"versions": …, "results": {ACCOUNT: {STEP: "ok" or what was said}}}``.
"""

import json
import os
import pwd
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import DidNotServe, running

USER = "someone"
UP, AGAIN = "make up", "make up again: all is as it was"
_AS_IT_WAS = "sshore ssh demo cat copy | cmp - file; sshore ls | has running"
_CLONE = Path(__file__).parents[1]
_CLIENTS = ("rsync",)
"""What the steps need, and nobody asks a machine for that only runs `make up`."""
_UP_S, _STEP_S = 300.0, 60.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who goes through it, in a clone of the account's own, with a port for the server and some to spare."""

    name: str
    clone: Path
    port: int

    def goes_through(self) -> dict[str, str]:
        """What came of each step."""
        before, steps = _steps()
        results: dict[str, str] = {}
        try:
            with self._up():
                results[UP] = "ok"
                for title, script in steps.items():
                    began = time.monotonic()
                    results[title] = self._does(before + script)
                    _tell(f"{self.name}: {title}: {results[title]} ({time.monotonic() - began:.1f} s)")
            results[AGAIN] = "it did not start"
            with self._up():
                results[AGAIN] = self._does(before + _AS_IT_WAS)
                self._does("sshore rm --force demo")
        except DidNotServe as failure:
            results[AGAIN if UP in results else UP] = str(failure)
        return results

    def _up(self) -> "AbstractContextManager[subprocess.Popen[bytes]]":
        command = self._command("make", "--no-print-directory", "-C", str(self.clone), "up", f"PORT={self.port}")
        how = {"env": self._environment, "cwd": self._home}
        return running(command, lambda said: "or shorter" in said, within_s=_UP_S, **how)

    def _does(self, script: str) -> str:
        words = self._command("bash", "-c", script)
        how = {"env": self._environment, "cwd": self._home, "stdin": subprocess.DEVNULL, "timeout": _STEP_S}
        try:
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)
        except subprocess.TimeoutExpired as late:
            return f"not within {_STEP_S:g} s: {_last_line(late.output or b'')}"
        return "ok" if done.returncode == 0 else _last_line(done.stdout) or f"exit status {done.returncode}"

    def _command(self, *words: str) -> list[str]:
        return ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", *words]

    @property
    def _home(self) -> str:
        return pwd.getpwnam(self.name).pw_dir

    @property
    def _environment(self) -> dict[str, str]:
        who = {"HOME": self._home, "USER": self.name, "LOGNAME": self.name}
        ports = {"PORT": str(self.port), "SPARE": str(self.port + 10000)}
        return {**os.environ, **who, **ports, "PATH": f"{self.clone}/.venv/bin:{os.environ['PATH']}"}


def main() -> None:
    _install(*_CLIENTS)
    subprocess.run(["scripts/setup"], cwd=_CLONE, check=True)
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", USER], check=True)
    clone = Path(pwd.getpwnam(USER).pw_dir) / "sshore"
    subprocess.run(["git", "clone", "--quiet", _CLONE, clone], check=True)
    subprocess.run(["chown", "-R", f"{USER}:", clone], check=True)
    accounts = (Account("root", _CLONE, 8022), Account(USER, clone, 8122))
    with ThreadPoolExecutor() as pool:
        results = dict(zip((who.name for who in accounts), pool.map(Account.goes_through, accounts), strict=True))
    Path(sys.argv[1]).write_text(json.dumps({"versions": _versions(), "results": results}))


def _steps() -> tuple[str, dict[str, str]]:
    """What stands before each script, and the scripts by title."""
    before, *parts = Path(__file__).with_name("steps.sh").read_text().split("\n## ")
    return f"{before}\n", dict(part.split("\n", 1) for part in parts)


def _install(*packages: str) -> None:
    how = {"check": True, "stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "-qq", "update"], **how)
    subprocess.run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", *packages], **how)


def _versions() -> str:
    told = (["sh", "-c", ". /etc/os-release; echo $PRETTY_NAME"], ["ssh", "-V"], ["python3", "-V"])
    said = (subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout for words in told)
    return ", ".join(text.strip().partition(", OpenSSL")[0] for text in said)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
