"""Where `ssh` and `sftp` go, and the `sshd` on loopback that ours is compared with."""

import getpass
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import listens, running
from sshore.core import layout
from sshore.core.run_files import certificate_file, sshd_config

_QUIET = ("-F", "none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An SSH server: `memory` is a directory there that lies in memory (a tmpfs)."""

    user: str
    port: int
    key_file: Path
    known_hosts: Path
    memory: str
    host: str = "localhost"

    def ssh(self, *command: str) -> list[str]:
        return ["ssh", *self._options("-p"), f"{self.user}@{self.host}", *command]

    def sftp(self, *options: str) -> list[str]:
        """`sftp` that reads its commands from standard input and stops at the first that fails."""
        return ["sftp", "-q", *options, *self._options("-P"), "-b", "-", f"{self.user}@{self.host}"]

    def run(self, *command: str) -> bytes:
        done = subprocess.run(self.ssh(*command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        return done.stdout

    def transfer(self, command: str, *options: str) -> None:
        """Run one command of `sftp`."""
        subprocess.run(self.sftp(*options), input=command.encode(), stdout=subprocess.DEVNULL, check=True)

    def cipher(self) -> str:
        """The cipher that an unconfigured `ssh` and this server agree on."""
        program, *rest = self.ssh("true")
        verbose = [program, "-v", *rest]
        done = subprocess.run(verbose, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        line = next(line for line in done.stderr.splitlines() if "server->client cipher:" in line)
        return line.partition("cipher: ")[2].partition(" compression")[0].replace(" MAC: ", ", ")

    def _options(self, port_option: str) -> list[str]:
        known = f"UserKnownHostsFile={self.known_hosts}"
        return [*_QUIET, "-i", str(self.key_file), "-o", known, port_option, str(self.port)]


@contextmanager
def direct_sshd() -> Iterator[Endpoint]:
    """The system's `sshd` on loopback, with a session's configuration, for the user who runs this."""
    with tempfile.TemporaryDirectory(prefix="sshore-bench-direct-") as made, memory_directory() as memory:
        directory = Path(made)
        port = free_port()
        config = directory / "sshd_config"
        config.write_text(_config(directory, port))
        for name in ("host_key", "id"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True)
        key = (directory / "host_key.pub").read_text()
        (directory / "known_hosts").write_text(f"[localhost]:{port} {key}")
        command = [*in_other_home(directory), sshd_program(), "-D", "-e", "-f", str(config)]
        with running(command, lambda _: listens(port)):
            yield Endpoint(getpass.getuser(), port, directory / "id", directory / "known_hosts", str(memory))


def in_other_home(directory: Path) -> list[str]:
    """A command's beginning that shows it another home, as bare as a session's: what is in the home of whoever
    runs this (a slow ``.bashrc``) must not be measured, and what a daemon reads there must not be written."""
    home = directory / "home"
    shutil.copytree("/etc/skel", home)
    (home / ".ssh").mkdir(mode=0o700)
    shutil.copy(directory / "id.pub", home / ".ssh" / "authorized_keys")
    return [
        "bwrap",
        "--die-with-parent",
        "--dev-bind",
        "/",
        "/",
        *_a_run_of_its_own(directory),
        "--bind",
        str(home),
        str(Path.home()),
        "--cap-add",
        "ALL",
    ]


def _a_run_of_its_own(directory: Path) -> list[str]:
    """A /run of nothing but what root's `sshd` asks for before it serves, as it was compiled to: /run/sshd. That is
    there on a machine whose own ssh.service has been started, and the bench makes nothing outside its directory."""
    kept = ["--bind", str(directory), str(directory)] if directory.is_relative_to("/run") else []
    return ["--tmpfs", "/run", "--perms", "0755", "--dir", "/run/sshd", *kept]


def sshd_program() -> str:
    """The system's `sshd`, from which the kit is built; it must be called by its full path."""
    found = shutil.which("sshd", path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin")
    if found is None:
        raise SystemExit("the bench needs sshd: apt-get install openssh-server")
    return found


def _config(directory: Path, port: int) -> str:
    text = sshd_config(
        {"PATH": layout.PATH},
        [layout.HOST_KEY],
        cpu_has_aes="aes" in Path("/proc/cpuinfo").read_text().split(),
        root=True,  # whoever runs this logs in
    )
    ours = (f"HostCertificate {certificate_file(layout.HOST_KEY)}\n", f"TrustedUserCAKeys {layout.USER_CA}\n")
    for line in (*ours, f"AuthorizedPrincipalsFile {layout.PRINCIPALS}\n"):
        text = text.replace(line, "")
    text = text.replace(layout.HOST_KEY, str(directory / "host_key"))
    # Not "none" in its place: from OpenSSH 10.6 on that stands alone or not at all.
    text = text.replace(f"{layout.AUTHORIZED_KEYS} ", "")
    # A session's sshd serves one connection each; a daemon drops some of many that come at once.
    return f"ListenAddress 127.0.0.1:{port}\nMaxStartups 1000\nPermitRootLogin prohibit-password\n{text}"


@contextmanager
def memory_directory() -> Iterator[Path]:
    """A directory in memory on this side, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="sshore-bench-", dir="/dev/shm") as made:
        yield Path(made)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
