"""The files of /etc that are made for a session, and which of the host's are shown."""

import subprocess
from pathlib import Path

from sshore.core.choices import Network
from sshore.core.ids import SessionId
from sshore.core.logins import LoginShell
from sshore.core.sessions import BindMount, SessionSpec
from sshore.engines.sandbox.etc import etc_files
from sshore.engines.sandbox.view import find_shell, look_at_host

HOSTS = (
    "127.0.0.1 localhost host\n::1 localhost\n# 10.9.9.9 old\n10.1.2.3 node03 node03.cluster\nff02::1 ip6-allnodes\n"
)
RESOLV = "# by hand\nnameserver 127.0.0.53\noptions edns0\nsearch example.org\n"


def files(network: Network) -> dict[str, str]:
    shell = LoginShell("/bin/bash")
    return etc_files("demo", network, shell, host_hosts=HOSTS, host_resolv=RESOLV, host_profile="PATH=/bin\n")


def test_the_one_account_is_work() -> None:
    lines = files(Network.NAT)["passwd"].splitlines()
    assert lines[1] == "work:x:1000:1000:work:/home/work:/bin/bash"
    assert [line.split(":")[0] for line in lines] == ["root", "work", "nobody"]


def test_names_are_asked_where_the_network_can_answer() -> None:
    assert files(Network.NAT)["resolv.conf"].splitlines() == [
        *("nameserver 10.0.2.3", "options edns0", "search example.org")
    ]
    assert files(Network.HOST)["resolv.conf"] == RESOLV
    assert "nameserver" not in files(Network.NONE)["resolv.conf"]


def test_a_sites_machines_keep_their_names() -> None:
    hosts = files(Network.NAT)["hosts"].splitlines()
    assert "10.1.2.3 node03 node03.cluster" in hosts
    assert "127.0.1.1 demo" in hosts
    assert not [line for line in hosts if "host\n" in line or "old" in line or "ff02" in line]
    assert "node03" not in files(Network.NONE)["hosts"]


def test_a_login_shell_finds_the_kit_after_all_else(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(files(Network.NAT)["profile"])
    command = f'. {tmp_path}/profile; . {tmp_path}/profile; echo "$PATH"'
    assert subprocess.check_output(["/bin/sh", "-c", command], text=True) == "/bin:/opt/sshore/bin\n"


def test_the_host_is_seen_as_it_is(tmp_path: Path) -> None:
    for directory in ("usr/bin", "usr/lib", "lib64", "etc/ssl/certs", "etc/ssl/private", "etc/python3.12", "etc/ssh"):
        (tmp_path / directory).mkdir(parents=True)
    for name in ("etc/shadow", "etc/inputrc", "usr/bin/bash"):
        (tmp_path / name).touch()
    (tmp_path / "bin").symlink_to("usr/bin")
    host = look_at_host(tmp_path)
    assert host.links == {"/bin": "usr/bin"}
    assert host.directories == ("/usr", "/lib64")
    assert host.etc == ("/etc/inputrc", "/etc/python3.12", "/etc/ssl/certs")
    assert host.sys == ()
    assert host.shell == "/bin/bash"


def test_a_wanted_shell_is_found_where_sessions_see_it_and_everybody_may_run_it(tmp_path: Path) -> None:
    for directory in ("usr/bin", "usr/local/bin", "opt"):
        (tmp_path / directory).mkdir(parents=True)
    for name, mode in (
        ("usr/bin/zsh", 0o755),
        ("usr/bin/mine", 0o750),
        ("opt/fish", 0o755),
        ("usr/local/bin/ksh", 0o755),
    ):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    (tmp_path / "usr/bin/fish").symlink_to(tmp_path / "opt/fish")
    (tmp_path / "usr/bin/rksh").symlink_to(tmp_path / "usr/local/bin/ksh")
    host, nowhere = look_at_host(tmp_path), Path("/nonexistent")

    def found(shell: str) -> str:
        mounts = (BindMount(nowhere, "/data"),)
        spec = SessionSpec(SessionId("x"), "x", nowhere, nowhere, nowhere, nowhere, shell=shell, mounts=mounts)
        return find_shell(host, spec, tmp_path)

    assert (found("zsh"), found("/usr/bin/zsh"), found("ksh")) == ("/usr/bin/zsh", "/usr/bin/zsh", "/usr/local/bin/ksh")
    assert found("rksh") == "/usr/bin/rksh"
    for shell in ("", "mine", "fish", "tcsh", "/opt/fish", "/home/work/bin/zsh", "/data/zsh", "local"):
        assert found(shell) == "", shell


def test_a_host_without_bash_has_sh(tmp_path: Path) -> None:
    assert look_at_host(tmp_path).shell == "/bin/sh"
