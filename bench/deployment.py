"""A deployment of Sshore for the time of the bench: server, local proxy, one session with a forward."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.endpoint import Endpoint, free_port
from bench.processes import listens, running
from sshore.proxy.background import READY
from sshore.sdk.config_dir import ConfigDir
from sshore.sdk.credentials import Login, read_credentials

SSHORE = str(Path(sys.executable).with_name("sshore"))
SESSION = "bench"


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
            port = free_port()
            server, proxy = _start(stack, environment, place / "state", port, together=together)
            try:
                endpoint = _session(environment)
                yield Deployment(environment, server, proxy, port, place / "state", endpoint)
            finally:
                _remove_sessions(environment)
    finally:
        shutil.rmtree(place)


def _start(stack: ExitStack, environment: dict[str, str], state: Path, port: int, *, together: bool) -> tuple[int, int]:
    served = ["--state", str(state), "--port", str(port)]
    up = [SSHORE, "up", "--no-browser", *served]
    logged_in = Path(environment["SSHORE_CONFIG_DIR"]) / "proxy.json"
    whole = running(up, lambda _: logged_in.exists(), env=environment)
    if together:
        process = stack.enter_context(whole)
        return process.pid, process.pid
    # `up` logs its user in; the server alone leaves that to an admin.
    with whole:
        pass
    server = running([SSHORE, "server", *served], lambda _: listens(port), env=environment)
    proxy = running([SSHORE, "proxy", "--detached"], lambda said: READY.decode().strip() in said, env=environment)
    return stack.enter_context(server).pid, stack.enter_context(proxy).pid


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
