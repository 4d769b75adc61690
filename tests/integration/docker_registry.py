"""A private registry of the tests' own: Debian's docker-registry on the loopback, with one user."""

import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import running
from integration.docker_daemon import DockerDaemon
from integration.free_port import free_port

USER, PASSWORD = "puller", "correct horse"
_HTPASSWD = "$2b$05$JxIP7uk7xBjGn6elg8XT1u.INdTuGcJ9bvPUnb253Myse5ZHMO8d6"
"""The password, by bcrypt."""
START_DEADLINE_S = 20.0


class Registry:
    """A registry that runs; `host` is how images are named after it."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.host = f"127.0.0.1:{port}"

    def push(self, daemon: DockerDaemon, name: str, archive: bytes) -> str:
        """Put an image, as `docker load` takes it, into the registry and away from the daemon; its whole name."""
        whole = f"{self.host}/{name}"
        daemon.ok("load", stdin=archive)
        login = ("--config", str(self.directory / "docker"))
        daemon.ok(*login, "login", "--username", USER, "--password-stdin", self.host, stdin=PASSWORD.encode())
        daemon.ok(*login, "push", whole)
        daemon.ok("image", "rm", whole)
        return whole


@contextmanager
def registry() -> Iterator[Registry]:
    """A registry, until the context is left; the program must be installed."""
    directory = Path(tempfile.mkdtemp(prefix="sshore-registry-"))
    made = Registry(directory, free_port())
    (directory / "htpasswd").write_text(f"{USER}:{_HTPASSWD}\n")
    (directory / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
        f"http: {{addr: {made.host}}}\nauth: {{htpasswd: {{realm: tests, path: {directory}/htpasswd}}}}\n"
    )
    command = ["docker-registry", "serve", str(directory / "config.yml")]
    try:
        with running(command, lambda _: _answers(made), within_s=START_DEADLINE_S):
            yield made
    finally:
        shutil.rmtree(directory)


def _answers(made: Registry) -> bool:
    try:
        urllib.request.urlopen(f"http://{made.host}/v2/", timeout=5).close()
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 401  # it wants a login
    except OSError:
        return False
    return True
