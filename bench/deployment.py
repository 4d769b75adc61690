"""A deployment of Sshore for the time of the bench: server, local proxy, one session with a forward."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.endpoint import Endpoint, free_port, wait_listening
from bench.processes import running
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login, read_credentials

SSHORE = str(Path(sys.executable).with_name("sshore"))
SESSION = "bench"
_READY_S = 30.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """What runs: `server_pid` and `proxy_pid` are one process under `sshore up`."""

    environment: dict[str, str]
    server_pid: int
    proxy_pid: int
    port: int
    state: Path
    endpoint: Endpoint

    @property
    def login(self) -> Login:
        """The server and a token that holds there."""
        return read_credentials(ConfigDir(Path(self.environment["SSHORE_CONFIG_DIR"])).credentials).choose()

    def sshore(self, *arguments: str) -> bytes:
        """Run `sshore` to its end; returns its output."""
        return sshore_in(self.environment, *arguments)


@contextmanager
def deployment(*, together: bool = False) -> Iterator[Deployment]:
    """Start everything: as two processes, or (`together`) as `sshore up` does. Nothing is left at the end."""
    place = Path(tempfile.mkdtemp(prefix="sshore-bench-"))
    place.chmod(0o711)  # where root serves, sessions have uids of their own, which pass through here
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SSHORE_")}
    environment = {**inherited, "SSHORE_CONFIG_DIR": str(place / "config")}
    try:
        with ExitStack() as stack:
            log = stack.enter_context((place / "log").open("wb"))
            port = free_port()
            server, proxy = _start(stack, environment, place / "state", port, log, together=together)
            try:
                endpoint = _session(environment)
                yield Deployment(environment, server, proxy, port, place / "state", endpoint)
            finally:
                _remove_sessions(environment)
    finally:
        shutil.rmtree(place)


def _start(
    stack: ExitStack, environment: dict[str, str], state: Path, port: int, log: Any, *, together: bool
) -> tuple[int, int]:
    served = ["--state", str(state), "--port", str(port)]
    up = [SSHORE, "up", "--no-browser", *served]
    if together:
        process = stack.enter_context(running(up, env=environment, stdout=log, stderr=log))
        _wait_logged_in(environment, process)
        return process.pid, process.pid
    # `up` logs its user in; the server alone leaves that to an admin.
    with running(up, env=environment, stdout=log, stderr=log) as process:
        _wait_logged_in(environment, process)
    server = stack.enter_context(running([SSHORE, "server", *served], env=environment, stdout=log, stderr=log))
    wait_listening(port)
    command = [SSHORE, "proxy", "--detached"]
    proxy = stack.enter_context(running(command, env=environment, stdout=subprocess.PIPE, stderr=log))
    assert proxy.stdout is not None
    stack.callback(proxy.stdout.close)
    proxy.stdout.readline()
    return server.pid, proxy.pid


def _wait_logged_in(environment: dict[str, str], process: "subprocess.Popen[bytes]") -> None:
    address = Path(environment["SSHORE_CONFIG_DIR"]) / "proxy.json"
    deadline = time.monotonic() + _READY_S
    while not address.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the bench's own server did not start; run `sshore up` to see why")
        time.sleep(0.02)


def _session(environment: dict[str, str]) -> Endpoint:
    sshore_in(environment, "run", SESSION, "--network", "none", "--app", "ssh")
    return endpoint_of(environment)


def endpoint_of(environment: dict[str, str]) -> Endpoint:
    """A forward to the session, by the local proxy of a config directory."""
    card = json.loads(sshore_in(environment, "connect", SESSION, "--json"))
    known_hosts = Path(card["known_hosts_file"])
    return Endpoint(card["user"], card["port"], Path(card["key_file"]), known_hosts, "/dev/shm", card["host"])


def _remove_sessions(environment: dict[str, str]) -> None:
    names = [session["name"] for session in json.loads(sshore_in(environment, "ls", "--json"))]
    if names:
        sshore_in(environment, "rm", "--force", *names)


def sshore_in(environment: dict[str, str], *arguments: str) -> bytes:
    """Run `sshore` with a config directory to its end; returns its output."""
    done = subprocess.run(
        [SSHORE, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True
    )
    return done.stdout
