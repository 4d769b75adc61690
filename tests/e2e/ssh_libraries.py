"""The SSH libraries that programs are made with, each run by a program of a few lines or by one that people use.

done = list_home("net-ssh", where(card, home), environment)
done.stdout                          # names what is in the home, or says why not
"""

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from npm_packages import installed
from programs import need, need_that

from sshore.proxy.forwards import Card

_SOURCES = Path(__file__).with_name("ssh-libraries")
_LIST = "ls -A"
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Where:
    """A local port, the session key, and what is known of the host key; `home` is for what a program keeps."""

    port: int
    key_file: str
    known_hosts: Path
    home: Path

    @property
    def host_key(self) -> str:
        """The base64 of the key that known_hosts has for the port."""
        lines = self.known_hosts.read_text().splitlines()
        return next(line.split()[2] for line in lines if f"[localhost]:{self.port}" in line)

    def write(self, name: str, text: str) -> Path:
        path = self.home / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path


def where(card: Card, home: Path) -> Where:
    """What the card says."""
    return Where(card.port, card.key_file, Path(card.known_hosts_file), home)


def list_home(library: str, where: Where, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """List the session's home by a library, which verifies the host key; both outputs are in `stdout`."""
    return subprocess.run(
        LIBRARIES[library](where),
        env={**environment, "HOME": str(where.home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
    )


def _go(where: Where) -> list[str]:
    """x/crypto/ssh, by rclone."""
    need("rclone")
    place = f"host=localhost,port={where.port},user=work,key_file={where.key_file},known_hosts_file={where.known_hosts}"
    return ["rclone", "--config", "", "--retries", "1", "--low-level-retries", "1", "lsf", f":sftp,{place}:"]


def _paramiko(where: Where) -> list[str]:
    return [sys.executable, str(_SOURCES / "paramiko_client.py"), *_arguments(where)]


def _asyncssh(where: Where) -> list[str]:
    return [sys.executable, str(_SOURCES / "asyncssh_client.py"), *_arguments(where)]


def _libssh(where: Where) -> list[str]:
    need("gcc")
    need_that(Path("/usr/include/libssh/libssh.h").exists(), "not installed here: libssh-dev")
    program = where.home / "libssh_client"
    subprocess.run(["gcc", _SOURCES / "libssh_client.c", "-o", program, "-lssh"], check=True)
    return [str(program), *_arguments(where)]


def _libssh2(where: Where) -> list[str]:
    """By curl, which knows ~/.ssh/known_hosts alone before 8.17."""
    need("curl")
    where.write(".ssh/known_hosts", where.known_hosts.read_text())
    url = f"sftp://localhost:{where.port}/home/work/"
    return ["curl", "-q", "-sS", "-u", "work:", "--key", where.key_file, url]


def _net_ssh(where: Where) -> list[str]:
    need("ruby")
    need_that(subprocess.run(["ruby", "-e", "require 'net/ssh'"]).returncode == 0, "not installed here: ruby-net-ssh")
    return ["ruby", str(_SOURCES / "net_ssh_client.rb"), *_arguments(where)]


def _ssh2(where: Where) -> list[str]:
    need("node")
    place = installed(_SOURCES)
    return ["node", str(place / "ssh2_client.mjs"), str(where.port), where.key_file, where.host_key, _LIST]


def _dropbear(where: Where) -> list[str]:
    """By dbclient, which reads key files of its own form, and knows hosts by their name alone, without the port."""
    need("dbclient", "dropbearconvert")
    key = where.home / "dropbear-key"
    convert = ["dropbearconvert", "openssh", "dropbear", where.key_file, str(key)]
    subprocess.run(convert, check=True, capture_output=True)
    where.write(".ssh/known_hosts", f"localhost ssh-ed25519 {where.host_key}\n")
    return ["dbclient", "-i", str(key), "-p", str(where.port), "work@localhost", _LIST]


def _openssh_in_lftp(where: Where) -> list[str]:
    """lftp starts `ssh`."""
    need("lftp")
    ssh = shlex.join(["ssh", "-axF", "none", "-o", f"UserKnownHostsFile={where.known_hosts}", "-i", where.key_file])
    settings = f"set sftp:connect-program {shlex.quote(ssh)}; set net:max-retries 1; set cmd:fail-exit yes"
    return ["lftp", "-c", f"{settings}; open sftp://work:none@localhost:{where.port}; ls -a"]


def _arguments(where: Where) -> list[str]:
    return [str(where.port), where.key_file, str(where.known_hosts), _LIST]


LIBRARIES: dict[str, Callable[[Where], list[str]]] = {
    "Go": _go,
    "Paramiko": _paramiko,
    "AsyncSSH": _asyncssh,
    "libssh": _libssh,
    "libssh2": _libssh2,
    "net-ssh": _net_ssh,
    "ssh2": _ssh2,
    "Dropbear": _dropbear,
    "lftp": _openssh_in_lftp,
}
"""By name, the command line that lists the home."""
