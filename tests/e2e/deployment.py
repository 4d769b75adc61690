"""A real deployment on this machine: server, state directory, users, each user's local proxy.

    with deployment() as it:              # server and local proxy run, the admin is logged in
        it.run_session("demo")            # `sshore run demo --app ssh`
        card = it.connect("demo")         # the connection card
        it.cli("ls", "--json")            # any other command; fails the test where it fails
        it.server.kill(); it.server.start()
        it.proxy.kill(); it.proxy.start()
        ann = it.member("ann")            # another owner, with a config directory and a local proxy of her own

At the end the processes, the sessions and all files are gone, whatever the test did.
"""

import asyncio
import os
import shutil
import socket
import sqlite3
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemons import Daemon

from integration.command_line import CommandLine
from integration.free_port import free_port
from sshore.core.ports import Engine
from sshore.engines.docker.engine import DockerEngine
from sshore.engines.docker.options import DockerOptions
from sshore.engines.sandbox import SandboxEngine
from sshore.proxy.forwards import Card
from sshore.proxy.instance import read_address
from sshore.sdk.config_dir import ConfigDir

# What most tests are about needs no network in the session, and an ordinary user's `nat` needs this device.
_NETWORK = () if os.geteuid() == 0 or os.access("/dev/net/tun", os.R_OK | os.W_OK) else ("--network", "none")


@dataclass(frozen=True)
class SessionsIn:
    """Where the sessions of a deployment are: options of every `sshore run`, the Docker daemon's socket, and settings
    of the server's, ``NAME=VALUE``."""

    options: tuple[str, ...] = ()
    docker_host: str = ""
    settings: tuple[str, ...] = ()


SANDBOX = SessionsIn()


class Owner(CommandLine):
    """A user with a config directory and a local proxy of the user's own."""

    def __init__(self, directory: Path, url: str, token: str, session_options: tuple[str, ...] = ()) -> None:
        super().__init__(directory)
        self.session_options = session_options
        self.ok("login", url, "--token", token)
        self.proxy = Daemon(["proxy"], self.environment, directory / "proxy.out", self._proxy_runs)

    def run_session(self, name: str, *options: str, app: str = "ssh") -> dict[str, Any]:
        """Make a session and wait until it runs; with `app` launched, unless that is empty."""
        launched = ["--app", app] if app else []
        session: dict[str, Any] = self.json("run", name, *_NETWORK, *self.session_options, *launched, *options)
        return session

    def connect(self, name: str, *options: str) -> Card:
        """Launch SSH, open the forward, return the connection card."""
        return Card(**self.json("connect", name, *options))

    def key(self, name: str) -> Path:
        """The session key, downloaded by `sshore key`."""
        path = self.config / f"id_container.{name}"
        self.ok("key", name, "-o", str(path), "--force")
        return path

    def remove(self, *names: str) -> None:
        self.ok("rm", "--force", *names)

    def _proxy_runs(self) -> bool:
        # What `sshore proxy status` does takes as long to start as the local proxy itself; and it may be an older one.
        address = read_address(ConfigDir(self.config))
        with socket.socket() as probe:
            return address is not None and probe.connect_ex(("127.0.0.1", address.port)) == 0


class Deployment:
    """One server on a state directory; `admin` is its first user."""

    def __init__(self, directory: Path, state: Path | None, sessions_in: SessionsIn) -> None:
        self.directory = directory
        self.state = state or directory / "state"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sessions_in = sessions_in
        docker = {"SSHORE_DOCKER_HOST": sessions_in.docker_host} if sessions_in.docker_host else {}
        settings = dict(setting.split("=", 1) for setting in sessions_in.settings)
        nobody = CommandLine(directory / "no-config", **docker, **settings)
        self._first_token = directory / "first-token"
        words = ["server", "--port", str(self.port), "--state", str(self.state), "--token-file", str(self._first_token)]
        self.server = Daemon(words, nobody.environment, directory / "server.log", self._serves)
        self._owners: list[Owner] = []

    # What the admin does is what most tests are about.

    @property
    def admin(self) -> Owner:
        return self._owners[0]

    @property
    def proxy(self) -> Daemon:
        return self.admin.proxy

    @property
    def login(self) -> tuple[str, str]:
        """The server's URL, and the admin's token."""
        return self.url, self.admin.token

    def cli(self, *arguments: str) -> str:
        return self.admin.ok(*arguments)

    def run_session(self, name: str, *options: str, app: str = "ssh") -> dict[str, Any]:
        return self.admin.run_session(name, *options, app=app)

    def connect(self, name: str, *options: str) -> Card:
        return self.admin.connect(name, *options)

    def key(self, name: str) -> Path:
        return self.admin.key(name)

    def remove(self, *names: str) -> None:
        self.admin.remove(*names)

    def member(self, name: str) -> Owner:
        """A new user without an admin's rights, logged in. The user's local proxy does not run yet."""
        self.cli("user", "add", name)
        return self._log_in(name, self.cli("token", "create", "--user", name).strip())

    def home(self, session_id: str) -> Path:
        """The host's side of a session's home."""
        return self.state / "sessions" / session_id / "home"

    def folder(self, name: str, owner: str = "admin") -> Path:
        """The host's side of a user's storage folder."""
        with closing(sqlite3.connect(self.state / "sshore.db")) as database:
            ((owner_id,),) = database.execute("SELECT id FROM users WHERE name = ?", (owner,)).fetchall()
        return self.state / "folders" / str(owner_id) / name

    def start(self) -> None:
        """Start the server, log the admin in and start the admin's local proxy."""
        self.server.start()
        if not self._owners:
            self._log_in("admin", self._first_token.read_text().strip())
        self.admin.proxy.start()

    def stop(self) -> None:
        """Stop everything but the sessions."""
        for daemon in self._daemons():
            daemon.stop()

    def kill(self) -> None:
        """Kill everything but the sessions."""
        for daemon in self._daemons():
            daemon.kill()

    def clear(self) -> None:
        """End everything, the sessions too, and remove every file."""
        for owner in self._owners:
            if not owner.proxy.is_running and ConfigDir(owner.config).proxy_address.exists():
                owner.close()  # it was started on demand
        self.kill()
        if (self.state / "sessions").exists():  # else the server has not come so far
            asyncio.run(_remove_sessions(self.state, self.sessions_in.docker_host))
        shutil.rmtree(self.directory)

    def _daemons(self) -> list[Daemon]:
        return [*(owner.proxy for owner in self._owners), self.server]

    def _log_in(self, name: str, token: str) -> Owner:
        owner = Owner(self.directory / f"config-{name}", self.url, token, self.sessions_in.options)
        self._owners.append(owner)
        return owner

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200) and self._first_token.exists()
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def deployment(
    *,
    started: bool = True,
    kit_of: Path | None = None,
    state: Path | None = None,
    sessions_in: SessionsIn = SANDBOX,
) -> Iterator[Deployment]:
    """A deployment of one's own. Not below pytest's tmp_path, which is closed to the owners' uids.

    `kit_of`: the state directory of another one, whose kit saves the second that it takes to build one. `state`: a
    state directory elsewhere.
    """
    directory = Path(tempfile.mkdtemp(prefix="sshore-e2e-"))
    directory.chmod(0o711)
    made = Deployment(directory, state, sessions_in)
    try:
        if kit_of is not None:
            lend_kit(kit_of, made.state)
        if started:
            made.start()
        yield made
    finally:
        made.clear()


def lend_kit(of: Path, to: Path) -> None:
    """Give a state directory the kit of another one."""
    shutil.copytree(of / "kit", to / "kit", copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


async def _remove_sessions(state: Path, docker_host: str) -> None:
    engines: list[Engine] = [SandboxEngine(state)]
    if docker_host:
        engines.append(DockerEngine(state, DockerOptions(docker_host)))
    for engine in engines:
        for session_id in await engine.list():
            await engine.remove(session_id)
        await engine.aclose()
