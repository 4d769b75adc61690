"""Runs `sshore` as a user would, with a config directory of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SSHORE = str(Path(sys.executable).with_name("sshore"))


class CommandLine:
    """`sshore` in one user's name. The local proxy that it starts is stopped by `close`."""

    def __init__(self, config: Path, **environment: str) -> None:
        self.config = config
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SSHORE_")}
        self.environment = {**inherited, "SSHORE_CONFIG_DIR": str(config), **environment}

    def run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        standard_input: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(
            [SSHORE, *arguments], env=self.environment, capture_output=True, timeout=60, **standard_input
        )

    def ok(self, *arguments: str) -> str:
        """The output of a command that succeeds."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def popen(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([SSHORE, *arguments], env=self.environment, **options)

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
