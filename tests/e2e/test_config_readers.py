"""Programs that read ~/.ssh/config and are no OpenSSH: the managed ssh_config keeps none of them from any host."""

import ctypes.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from deployment import Deployment, Owner
from programs import need, need_that

_ASYNCSSH = """
import asyncio, asyncssh, sys
async def main(config, host, key, command):
    async with asyncssh.connect(host, config=[config], client_keys=[key], agent_path=None) as connection:
        print((await connection.run(command, check=True)).stdout, end="")
asyncio.run(main(*sys.argv[1:]))
"""
_NET_SSH = """
require "net/ssh"
config, host, key, command = ARGV
Net::SSH.start(host, nil, config: [config], keys: [key], non_interactive: true) { |ssh| print ssh.exec!(command) }
"""
# Paramiko leaves it to its caller to heed what it has read.
_PARAMIKO = """
import paramiko, sys
config, host, key, command = sys.argv[1:]
found = paramiko.SSHConfig.from_path(config).lookup(host)
proxy = paramiko.ProxyCommand(found["proxycommand"]) if "proxycommand" in found else None
with paramiko.SSHClient() as client:
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(found["hostname"], int(found.get("port", 22)), found["user"], key_filename=key, sock=proxy,
                   look_for_keys=False, allow_agent=False)
    print(client.exec_command(command)[1].read().decode(), end="")
"""


def _libssh(config: Path, *words: str) -> list[str]:
    need_that(ctypes.util.find_library("ssh") is not None, "not installed here: libssh")
    return [sys.executable, str(Path(__file__).with_name("libssh_client.py")), str(config), *words]


def _net_ssh(config: Path, *words: str) -> list[str]:
    need("ruby")
    is_there = subprocess.run(["ruby", "-e", 'require "net/ssh"'], capture_output=True).returncode == 0
    need_that(is_there, "not installed here: Ruby's net-ssh")
    return ["ruby", "-e", _NET_SSH, str(config), *words]


READERS: dict[str, Callable[..., list[str]]] = {
    "asyncssh": lambda config, *words: [sys.executable, "-c", _ASYNCSSH, str(config), *words],
    "paramiko": lambda config, *words: [sys.executable, "-c", _PARAMIKO, str(config), *words],
    "net-ssh": _net_ssh,
    "libssh": _libssh,
}


@dataclass(frozen=True)
class World:
    owner: Owner
    own: Path
    key: Path

    def hostname(self, reader: str, host: str, config: Path | None = None) -> str:
        words = READERS[reader](config or self.own, host, str(self.key), "hostname")
        environment = {**self.owner.environment, "HOME": str(self.own.parent)}
        done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


@pytest.fixture(scope="module")
def world(shared: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    owner = shared.member("reading-configs")
    owner.run_session("box", "--network", "none")
    owner.run_session("plain", "--network", "none")
    home = tmp_path_factory.mktemp("home")
    key = home / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    owner.ok("keys", "add", str(key.with_suffix(".pub")))
    card = owner.connect("plain")
    own = home / "config"
    own.write_text(
        f"Host unrelated\n    HostName {card.host}\n    Port {card.port}\n    User {card.user}\n"
        f"    UserKnownHostsFile {card.known_hosts_file}\n    HostKeyAlgorithms ssh-ed25519\n"
    )
    owner.ok("config-ssh", "--file", str(own))
    yield World(owner, own, key)
    owner.close()


@pytest.mark.parametrize("reader", READERS)
def test_other_hosts_are_reached_as_before(world: World, reader: str) -> None:
    assert world.hostname(reader, "unrelated") == "plain\n"


@pytest.mark.parametrize("reader", ["asyncssh", "net-ssh", "libssh"])
def test_a_session_is_reached_by_its_name_and_a_key_of_ones_own(world: World, reader: str) -> None:
    assert world.hostname(reader, "box.sshore") == "box\n"


def test_paramiko_which_reads_no_included_file_is_given_it_itself(world: World) -> None:
    managed = world.owner.config / "ssh" / "config"
    assert world.hostname("paramiko", "box.sshore", managed) == "box\n"


@pytest.mark.parametrize("host", ["box.sshore", "BOX.SSHORE"])
def test_openssh_takes_the_certificate(world: World, host: str) -> None:
    words = ["ssh", "-F", str(world.own), "-o", "LogLevel=DEBUG1", host, "hostname"]
    done = subprocess.run(words, env=world.owner.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.stdout == b"box\n"
    assert b"Server accepts key: " in done.stderr and b"ED25519-CERT" in done.stderr
    assert json.loads(world.owner.ok("keys", "ls", "--json"))  # there was a key to log in by, too
