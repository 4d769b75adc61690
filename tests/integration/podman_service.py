"""Podman's service with the tests' own storage, networks and socket: it answers as a Docker daemon does.

with podman_service() as podman:
    podman.need(BUSYBOX)
    DockerOptions(host=podman.host)
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integration.docker_daemon import DockerDaemon

# Podman wants limits that a machine with lower ones refuses even to root; Docker leaves them as they are.
_CONFIGURATION = """\
[containers]
default_ulimits = []
[engine]
runtime = "{runtime}"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class PodmanService(DockerDaemon):
    """`podman system service`, spoken to by Docker's own command line."""

    def start(self) -> None:
        (self.directory / "containers.conf").write_text(_CONFIGURATION.format(runtime=shutil.which("runc")))
        words = (
            *("podman", "--root", str(self.directory / "root"), "--runroot", str(self.directory / "runroot")),
            *("--tmpdir", str(self.directory / "tmp"), "--network-config-dir", str(self.directory / "networks")),
            *("system", "service", "--time", "0", self.host),
        )
        self.remember_firewall()
        self._dockerd = self._spawn(*words, CONTAINERS_CONF=str(self.directory / "containers.conf"))
        self._until(lambda: self.docker("version").returncode == 0, self._dockerd)

    @property
    def version(self) -> int:
        said = subprocess.run(["podman", "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.split()[-1].partition(".")[0])


@contextmanager
def podman_service() -> Iterator[PodmanService]:
    directory = Path(tempfile.mkdtemp(prefix="sshore-podman-"))
    directory.chmod(0o711)
    service = PodmanService(directory)
    try:
        service.start()
        yield service
    finally:
        service.clear()


def why_no_podman() -> str:
    """Why there can be none here; empty where there can."""
    missing = [name for name in ("podman", "runc", "docker", "busybox", "iptables") if not shutil.which(name)]
    if missing:
        return f"not installed here: {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "needs root"
