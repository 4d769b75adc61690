"""Runs `sshore` as a user would, with a config directory of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SSHORE = str(Path(sys.executable).with_name("sshore"))


def command_for(environment: Mapping[str, str]) -> list[str]:
    """The command as its users have it; or by an interpreter that heeds PYTHONPATH, for a former version's packages."""
    return [sys.executable, SSHORE] if "PYTHONPATH" in environment else [SSHORE]


class CommandLine:
    """`sshore` in one user's name. The local proxy that it starts is stopped by `close`."""

    def __init__(self, config: Path, *, isolated: bool = False, **environment: str) -> None:
        self.config = config
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SSHORE_")}
        self.environment = {**inherited, "SSHORE_CONFIG_DIR": str(config), **environment}
        self._command = [SSHORE] if isolated else None

    @property
    def command(self) -> list[str]:
        return self._command or command_for(self.environment)

    def run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        standard_input: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(
            [*self.command, *arguments], env=self.environment, capture_output=True, timeout=60, **standard_input
        )

    def ok(self, *arguments: str) -> str:
        """The output of a command that succeeds."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def popen(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self.command, *arguments], env=self.environment, **options)

    @property
    def token(self) -> str:
        """The API token for the server that commands go to by default."""
        stored = json.loads((self.config / "credentials.json").read_text())
        return str(stored["tokens"][stored["default"]])

    def proxy_pid(self) -> int:
        pid: int = self.json("proxy", "status")["pid"]
        return pid

    def close(self) -> None:
        self.run("proxy", "stop")
