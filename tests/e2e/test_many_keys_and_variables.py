"""What clients bring along: an agent full of keys, and facts of their terminal; real `ssh` and `git`."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from deployment import Deployment
from programs import need
from ssh_agent import ssh_agent
from ssh_client import SshClient, run, through_forward

from sshore.proxy.forwards import Card

OTHER_KEYS = 20
WELCOME = {"COLORTERM": "truecolor", "GIT_PROTOCOL": "version=2", "TERM_PROGRAM": "iTerm.app", "LC_TERMINAL": "iTerm2"}
UNWELCOME = (
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "BASH_ENV",
    "ENV",
    "SHELL",
    "HOME",
    "SSHORE_SESSION",
)


@pytest.fixture(scope="module")
def full_agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of an agent with many keys, none of which is anybody's here."""
    need("ssh-keygen")
    directory = tmp_path_factory.mktemp("agent")
    with ssh_agent(directory) as environment:
        for number in range(OTHER_KEYS):
            key = directory / f"key{number}"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
            subprocess.run(["ssh-add", "-q", key], env=environment, check=True)
        yield environment


def with_agent(client: SshClient, agent: Mapping[str, str]) -> SshClient:
    """As ``ssh -i KEY``: the keys of the agent are tried first."""
    environment = {**client.environment, "SSH_AUTH_SOCK": agent["SSH_AUTH_SOCK"]}
    return replace(client.having(IdentitiesOnly="no"), environment=environment)


@pytest.mark.every_engine
def test_an_agent_full_of_other_keys_locks_nobody_out(demo: SshClient, full_agent: Mapping[str, str]) -> None:
    assert with_agent(demo, full_agent).ok("whoami") == "work\n"


def test_nor_at_a_folders_port(shared: Deployment, full_agent: Mapping[str, str]) -> None:
    shared.cli("folder", "create", "keys")
    card = Card(**shared.admin.json("connect", "folder:keys"))
    assert with_agent(through_forward(shared.admin, card), full_agent).sftp("pwd").endswith("/home/work/keys\n")
    shared.cli("disconnect", "folder:keys")


@pytest.mark.every_engine
def test_facts_of_the_terminal_arrive_and_nothing_that_loads_or_finds_programs(demo: SshClient) -> None:
    names = " ".join((*WELCOME, *UNWELCOME))
    ask = f'for name in {names}; do eval "echo $name=\\$$name"; done'
    before = demo.ok(ask).splitlines()
    sent = " ".join([*(f"{name}={value}" for name, value in WELCOME.items()), *(f"{name}=/evil" for name in UNWELCOME)])
    after = demo.having(SetEnv=sent).ok(ask).splitlines()
    assert after[: len(WELCOME)] == [f"{name}={value}" for name, value in WELCOME.items()]
    assert after[len(WELCOME) :] == before[len(WELCOME) :]


@pytest.mark.every_engine
def test_a_locale_arrives_where_the_session_has_it(demo_without_forward: SshClient) -> None:
    """What a desktop has set is sent along by many distributions' `ssh`."""
    show = "echo $LC_TIME,$LC_NAME,$LC_PAPER,$LC_MINE; locale 2>&1 | grep -i cannot"
    own = {name: value for name, value in demo_without_forward.environment.items() if not name.startswith("LC_")}
    desktop = {"LC_TIME": "C.UTF-8", "LC_NAME": "ko_KR.UTF-8", "LC_PAPER": "UTF-8"}
    sent = replace(demo_without_forward.having(SendEnv="LC_*"), environment={**own, **desktop})
    assert sent.run(show).stdout == b"C.UTF-8,,,\n"

    typed = replace(demo_without_forward.having(SetEnv="LC_TIME=POSIX LC_MINE=1"), environment=own)
    assert typed.run(show).stdout == b"POSIX,,,1\n"


def test_and_in_a_folder_there_is_no_use_for_any(shared: Deployment) -> None:
    shared.cli("folder", "create", "quiet")
    client = through_forward(shared.admin, Card(**shared.admin.json("connect", "folder:quiet")))
    loud = client.having(SetEnv="LD_PRELOAD=/evil.so LC_ALL=ko_KR.UTF-8 GIT_PROTOCOL=version=2")
    assert loud.sftp("pwd").endswith("/home/work/quiet\n")
    shared.cli("disconnect", "folder:quiet")


def test_git_speaks_its_newer_protocol(demo: SshClient) -> None:
    need("git")
    demo.ok("git init -q --bare protocol.git")
    # ssh gets SendEnv=GIT_PROTOCOL from git.
    environment = {**demo.environment, "GIT_SSH_COMMAND": demo.command_line, "GIT_TRACE_PACKET": "1"}
    done = run(["git", "ls-remote", f"{demo.destination}:protocol.git"], environment)
    demo.ok("rm -r protocol.git")
    assert done.returncode == 0, done.stderr.decode()
    assert b"version 2" in done.stderr


def test_a_client_without_aes_is_told_what_there_is(demo: SshClient) -> None:
    """docs/clients.md says why; where the CPU has no AES instructions, chacha20 is what there is."""
    if " aes " not in Path("/proc/cpuinfo").read_text().replace("\n", " "):
        pytest.skip("this CPU has no AES instructions")
    refused = demo.having(Ciphers="chacha20-poly1305@openssh.com", LogLevel="INFO").run("true")
    assert refused.returncode == 255
    assert b"no matching cipher found. Their offer: aes128-gcm@openssh.com," in refused.stderr
