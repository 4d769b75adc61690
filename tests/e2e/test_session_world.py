"""What a user finds in a session: account, home, name, environment, programs."""

import ipaddress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from deployment import Deployment
from host_processes import until
from ssh_client import SshClient
from terminal import terminal

pytestmark = pytest.mark.every_engine

KIT_BIN = "/opt/sshore/bin"

SHELLS = {
    "a command": "{}",
    "a login shell": "bash -lc '{}'",
    "an interactive shell": "bash -ic '{}' 2>/dev/null",
    "a plain sh": "sh -c '{}'",
}


@pytest.fixture(params=SHELLS.values(), ids=SHELLS.keys())
def shell(request: pytest.FixtureRequest, demo: SshClient) -> "Shell":
    return Shell(demo, request.param)


class Shell:
    def __init__(self, client: SshClient, line: str) -> None:
        self._client = client
        self._line = line

    def says(self, command: str) -> str:
        return self._client.ok(self._line.format(command)).strip()


class TestEveryKindOfShell:
    def test_knows_its_session(self, shell: Shell) -> None:
        assert shell.says("echo $SSHORE_SESSION") == "demo"

    def test_has_the_kits_programs_as_a_last_resort(self, shell: Shell) -> None:
        path = shell.says("echo $PATH").split(":")
        assert path[-1] == KIT_BIN
        assert path.index("/usr/bin") < path.index(KIT_BIN)

    def test_is_the_account_work_in_its_home(self, shell: Shell) -> None:
        assert shell.says("echo $USER $LOGNAME $HOME; pwd") == "work work /home/work\n/home/work"


def test_a_shell_on_a_terminal_knows_the_same(demo: SshClient) -> None:
    with terminal(demo.arguments(), demo.environment) as user:
        user.expect(r"[$#] ")
        user.type("echo =$SSHORE_SESSION=$PATH=$PWD=\r")
        found = user.expect(r"=demo=(\S+)=/home/work=\r")
        assert found[1].endswith(f":{KIT_BIN}")


def test_the_account_is_work(demo: SshClient) -> None:
    assert demo.ok("whoami; id -un; id -gn") == "work\nwork\nwork\n"
    uid = demo.ok("id -u").strip()
    assert demo.ok("getent passwd work").startswith(f"work:x:{uid}:{uid}:work:/home/work:/")
    assert demo.ok("stat -c %u ~").strip() == uid


def test_the_sessions_name_is_its_host_name(demo: SshClient) -> None:
    assert demo.ok("hostname; uname -n; cat /etc/hostname") == "demo\n" * 3
    assert demo.ok("getent ahosts demo"), "it has an address"


def test_where_the_client_comes_from_is_told_in_the_words_that_scripts_expect(
    shared: Deployment, demo_either_way: SshClient
) -> None:
    port = str(urlsplit(shared.url).port)
    client, client_port, server, server_port = demo_either_way.ok("echo $SSH_CONNECTION").split(" ")
    assert ipaddress.ip_address(client).is_loopback
    assert ipaddress.ip_address(server).is_loopback
    assert (client_port, server_port.strip()) == ("65535", port)
    assert demo_either_way.ok('echo "$SSH_CLIENT"') == f"{client} {client_port} {port}\n"
    assert demo_either_way.ok("bash -ic 'set -- $SSH_CONNECTION; echo $#' 2>/dev/null") == "4\n"


def test_the_home_and_tmp_can_be_written_and_the_system_cannot(demo: SshClient) -> None:
    assert (
        demo.ok("touch ~/a /tmp/a && rm ~/a /tmp/a; touch /usr/a /etc/a /opt/sshore/a /run/sshore/a 2>&1 | wc -l")
        == "4\n"
    )
    assert demo.ok("stat -c '%U %G' ~") == "work work\n"


def test_text_is_utf_8(demo: SshClient) -> None:
    assert demo.ok("printf '한글' | wc -m") == "2\n"


def test_processes_of_the_session_are_all_that_is_seen(shared: Deployment, demo: SshClient) -> None:
    seen = demo.ok("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '")
    assert "/opt/sshore/agent" in seen
    assert str(shared.state) not in seen
    assert demo.ok("ls /proc | grep -c '^[0-9]'").strip() != "0"


def test_where_memory_runs_out_the_agent_is_the_last_to_go(demo: SshClient) -> None:
    """With it the session would end."""
    ours, agents = map(int, demo.ok("cat /proc/self/oom_score_adj /proc/1/oom_score_adj").split())
    assert ours > agents


def test_another_user_is_told_who_the_user_is(demo: SshClient) -> None:
    for user in ("root", "nobody", "unheard-of"):
        done = replace(demo.having(LogLevel="INFO"), destination=f"{user}@localhost").run("true")
        assert done.returncode == 255
        said = done.stderr.decode().replace("\r", "")
        assert "The user of this session is work: work@demo.sshore\n" in said
        assert "Permission denied" in said


def test_what_a_command_leaves_behind_is_reaped(demo: SshClient) -> None:
    demo.ok("setsid sh -c 'sleep 0.2' >/dev/null 2>&1 &")
    # From OpenSSH 10.0 on, each sshd keeps what has authenticated its user, dead, as long as the connection lasts.
    unreaped = """
        for status in $(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null); do
            parent=$(sed -n 's/^PPid:.//p' $status 2>/dev/null)
            tr '\\0' ' ' </proc/${parent:-none}/cmdline 2>/dev/null | grep -q sshd || cat $status
        done
    """
    demo.ok("sleep 0.3")
    until(lambda: demo.ok(unreaped) == "", "no process that has ended waits for a parent that is not sshd", 5)
