"""Server and database as deploy/compose.yaml brings them up, on the tests' own daemon, with images built here.

    with composed(dockerd) as it:
        it.up()
        it.admin.ok("run", …)

Images are built of a debootstrapped Debian, since there is no registry; apt and pip reach theirs as this machine does.
"""

import os
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployment import Owner
from postgres_image import build_postgres

from integration.debian_rootfs import debian_rootfs
from integration.docker_daemon import DockerDaemon
from integration.free_port import free_port

ROOT = Path(__file__).parents[2]
SERVER_IMAGE, DATABASE_IMAGE = "sshore-test:server", "sshore-test:database"
_PLAIN, _BASE = "sshore-test:plain", "sshore-test:base"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_BUILD_TIMEOUT_S = 600
_DEADLINE_S = 60


class Composed:
    """The project of a test's own; `admin` is there when it is up."""

    def __init__(self, daemon: DockerDaemon, directory: Path) -> None:
        self.daemon = daemon
        self.directory = directory
        self.state = directory / "state"
        self.port = free_port()
        self.admin: Owner
        secrets = directory / "secrets"
        secrets.mkdir(mode=0o700)
        self.password = os.urandom(12).hex()
        (secrets / "database_password").write_text(self.password + "\n")
        self._environment = {
            **os.environ,
            "DOCKER_HOST": daemon.host,
            "COMPOSE_PROJECT_NAME": directory.name,
            "SSHORE_DOCKER_SOCKET": str(daemon.socket),
            "SSHORE_IMAGE": SERVER_IMAGE,
            "SSHORE_POSTGRES_IMAGE": DATABASE_IMAGE,
            "SSHORE_PORT": str(self.port),
            "SSHORE_SECRETS": str(secrets),
            "SSHORE_STATE_DIR": str(self.state),
        }

    def compose(self, *words: str) -> str:
        command = ["docker-compose", "--file", str(ROOT / "deploy/compose.yaml"), "--no-ansi", *words]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr + self.log()
        return done.stdout

    def log(self) -> str:
        """Of the server's container that there is now."""
        said = self.daemon.docker("logs", self.container("server"))
        return (said.stdout + said.stderr).decode()

    def container(self, service: str) -> str:
        between = "_" if self.compose("version", "--short").startswith("1.") else "-"
        return between.join((self.directory.name, service, "1"))

    def up(self, *options: str) -> None:
        """The one command; returns when the server serves."""
        self.compose("up", "--detach", "--no-build", *options)
        self._until(self._serves)
        if not hasattr(self, "admin"):
            output = self.compose("logs", "--no-color", "server")
            token = next(line.rpartition(": ")[2] for line in output.splitlines() if "admin's token: " in line)
            self.admin = Owner(self.directory / "config", f"http://127.0.0.1:{self.port}", token)

    def until_healthy(self) -> None:
        """Wait for what the container's own health check says."""
        self._until(lambda: self._server()["Health"]["Status"] == "healthy")

    def _until(self, it_is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while not it_is_so():
            assert self._server()["Running"], self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def _server(self) -> dict[str, Any]:
        return dict(self.daemon.inspect(self.container("server"))["State"])

    def _serves(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
        except OSError:
            return False
        return True

    def clear(self) -> None:
        if hasattr(self, "admin"):
            for session in self.admin.json("ls"):
                self.admin.ok("rm", "--force", session["name"])
            self.admin.close()
        self.compose("down", "--volumes", "--timeout", "10")


@contextmanager
def composed(daemon: DockerDaemon) -> Iterator[Composed]:
    """At the end its containers, its sessions and its files are gone."""
    directory = Path(tempfile.mkdtemp(prefix="sshore-e2e-compose-"))
    directory.chmod(0o711)
    project = Composed(daemon, directory)
    try:
        yield project
    finally:
        project.clear()
        shutil.rmtree(directory)


def build_base(daemon: DockerDaemon) -> None:
    """A Debian that trusts what this machine trusts: its registries may be behind a proxy with a CA of its own."""
    _docker(daemon, "import", str(debian_rootfs()), _PLAIN)
    with tempfile.TemporaryDirectory() as name:
        etc = Path(name, "etc")
        etc.mkdir()
        trusted = os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().cafile
        if trusted:
            shutil.copy(trusted, etc / "machine-ca.pem")
            (etc / "pip.conf").write_text("[global]\ncert = /etc/machine-ca.pem\n")
        Path(name, "Dockerfile").write_text(f"FROM {_PLAIN}\nCOPY etc /etc\n")
        _docker(daemon, "build", "--quiet", "--tag", _BASE, name)


def build_images(daemon: DockerDaemon) -> None:
    """Server and database."""
    build_base(daemon)
    build_postgres(daemon, DATABASE_IMAGE)
    proxies = [word for name in _PROXIES if name in os.environ for word in ("--build-arg", name)]
    options = ["--network", "host", "--build-arg", f"BASE={_BASE}", "--file", str(ROOT / "deploy/Dockerfile")]
    _docker(daemon, "build", "--quiet", *proxies, *options, "--tag", SERVER_IMAGE, str(ROOT))


def _docker(daemon: DockerDaemon, *words: str) -> None:
    # The builder that every version of the docker command has.
    environment = {**os.environ, "DOCKER_HOST": daemon.host, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S)
    assert done.returncode == 0, done.stderr[-3000:]
