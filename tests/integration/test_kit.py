"""The kit in a session whose root file system holds nothing but a static busybox: real ssh, sftp, scp, rsync."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from busybox_session import UID, BusyboxSession, busybox_session, descendants, temporary_kit, wait_until

from sshore.core import layout
from sshore.core.errors import Unavailable
from sshore.kit.build import Kit, build_kit
from sshore.wire.problems import Code


@pytest.fixture(scope="module")
def kit() -> Iterator[Kit]:
    with temporary_kit() as kit:
        yield kit


@pytest.fixture(scope="module")
def session(kit: Kit) -> Iterator[BusyboxSession]:
    with busybox_session(kit.path) as session:
        yield session


@pytest.fixture
def state() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="sshore-state-"))
    yield root
    shutil.rmtree(root)


def random_file(path: Path, size: int = 20 << 20) -> str:
    data = os.urandom(size)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(session: BusyboxSession, program: str, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
    line = [program, *session.ssh_options(), "-P", str(session.gateway.port), *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, **options)


def test_a_command_runs_as_work_in_the_home_with_the_sessions_environment(session: BusyboxSession) -> None:
    done = session.ssh("id -un; pwd; echo $GREETING; exit 7")
    assert (done.stdout, done.returncode) == ("work\n/home/work\nhello there\n", 7), done.stderr


def test_where_a_client_comes_from_is_four_words_of_which_an_older_gateway_tells_none(session: BusyboxSession) -> None:
    done = session.ssh('echo "$SSH_CONNECTION|$SSH_CLIENT"')
    assert done.stdout == "UNKNOWN 65535 UNKNOWN 65535|UNKNOWN 65535 65535\n", done.stderr


def test_terminals_of_today_are_described_whatever_the_image_has(kit: Kit) -> None:
    for name in ("alacritty", "foot", "ghostty", "kitty", "wezterm", "xterm-ghostty", "xterm-kitty", "xterm-256color"):
        entry = kit.path / "terminfo" / name[0] / name
        line = ["infocmp", "-x", "-1", "-A", kit.path / "terminfo", name]
        done = subprocess.run(line, capture_output=True, text=True, timeout=10)
        assert done.stdout.startswith(f"#\tReconstructed via infocmp from file: {entry}\n"), done.stderr
        assert "\tclear=\\E[H\\E[" in done.stdout
        assert not entry.stat().st_mode & 0o133, "it is data"


def test_no_process_of_the_session_is_root_on_the_host(session: BusyboxSession) -> None:
    with subprocess.Popen(
        ["ssh", *session.ssh_options(), "-p", str(session.gateway.port), "work@127.0.0.1", "echo up; cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as client:
        assert client.stdout and client.stdout.readline() == b"up\n"
        uids = {Path(f"/proc/{pid}").stat().st_uid for pid in descendants(session.process.pid)}
        assert uids == {UID if os.getuid() == 0 else os.getuid()}
        client.communicate()


def test_a_terminal_is_allocated(session: BusyboxSession) -> None:
    done = session.ssh("tty; echo $TERM", options=("-tt",), env={**os.environ, "TERM": "vt100"})
    assert done.returncode == 0, done.stderr + session.log
    assert done.stdout.split() == ["/dev/pts/0", "vt100"]


def test_standard_input_arrives_whole(session: BusyboxSession) -> None:
    text = "x" * 5_000_000
    done = session.ssh("sha256sum", input=text)
    assert done.stdout.split()[0] == hashlib.sha256(text.encode()).hexdigest()


def test_sftp_puts_and_gets(session: BusyboxSession, tmp_path: Path) -> None:
    digest = random_file(tmp_path / "up")
    batch = f"put {tmp_path}/up big\nget big {tmp_path}/down\nls\n"
    done = run(session, "sftp", "-b", "-", "work@127.0.0.1", input=batch)
    assert done.returncode == 0, done.stderr
    assert sha256(session.home / "big") == sha256(tmp_path / "down") == digest


@pytest.mark.parametrize("protocol", ["-O", "-s"])
def test_scp_copies_both_ways_with_either_protocol(session: BusyboxSession, tmp_path: Path, protocol: str) -> None:
    digest = random_file(tmp_path / "up")
    for source, target in (f"{tmp_path}/up", "work@127.0.0.1:copy"), ("work@127.0.0.1:copy", f"{tmp_path}/down"):
        done = run(session, "scp", protocol, source, target)
        assert done.returncode == 0, done.stderr
    assert sha256(tmp_path / "down") == digest


def test_rsync_runs_without_an_rsync_in_the_image(session: BusyboxSession, tmp_path: Path) -> None:
    digest = random_file(tmp_path / "up")
    shell = " ".join(["ssh", *session.ssh_options(), "-p", str(session.gateway.port)])
    line = ["rsync", "-e", shell, str(tmp_path / "up"), "work@127.0.0.1:synced"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert sha256(session.home / "synced") == digest


def test_the_log_has_a_time_on_every_line_and_no_noise(session: BusyboxSession) -> None:
    session.ssh("true")
    assert "Accepted publickey for work" in session.log
    assert "login records" not in session.log
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S", line) for line in session.log.splitlines())


def test_what_the_image_preloads_does_not_reach_the_kit(session: BusyboxSession) -> None:
    """LD_LIBRARY_PATH of a user goes to the user's programs, and the kit's own take the kit's libraries."""
    done = session.ssh(f"LD_LIBRARY_PATH=/tmp {layout.KIT_BIN}/ssh-keygen -l -f {layout.RUN}/ssh_host_key")
    assert "ED25519" in done.stdout, done.stderr


def test_every_uid_can_read_the_kit(kit: Kit) -> None:
    for path in kit.path.rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode in ((0o755,) if path.is_dir() else (0o755, 0o644)), path
    for program in ("bin/sshd", "python/bin/python3", "bin/scp"):
        assert (kit.path / program).stat().st_mode & 0o777 == 0o755


def test_a_kit_is_built_once(state: Path) -> None:
    phases: list[str] = []
    first = build_kit(state / "kit", lambda phase, fraction: phases.append(phase))
    assert phases
    phases.clear()
    assert build_kit(state / "kit", lambda phase, fraction: phases.append(phase)) == first
    assert not phases, "the second time it was there"


def test_builders_at_the_same_time_make_one_kit_and_leave_nothing_else(state: Path) -> None:
    leftover = state / "kit" / ".making-crashed"
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("made")
    kits: list[Kit] = []
    builders = [threading.Thread(target=lambda: kits.append(build_kit(state / "kit"))) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert len(kits) == 4 and len(set(kits)) == 1
    assert sorted(path.name for path in (state / "kit").iterdir()) == [".lock", kits[0].hash]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_said_and_nothing_half_made_is_left(state: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", state], check=True)
    try:
        with pytest.raises(Unavailable, match="is full") as refusal:
            build_kit(state / "kit")
        assert refusal.value.problem.code is Code.STORAGE_FULL
        assert [path.name for path in (state / "kit").iterdir()] == [".lock"]
    finally:
        subprocess.run(["umount", state], check=True)


@pytest.mark.parametrize(
    "python", ["/usr/bin/python3", *sorted(map(str, Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python3")))]
)
def test_a_kit_of_another_python_works(python: str, state: Path) -> None:
    """Debian's own interpreter keeps its library elsewhere than a self-built one, and has no shared libpython."""
    version = subprocess.run([python, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True)
    if version.stdout != b"True\n":
        pytest.skip(f"{python} is older than 3.11")
    import sshore

    source = Path(sshore.__file__).parent.parent
    code = f"""
import sys, pathlib
sys.path.append({str(source)!r})
from sshore.kit.build import build_kit
print(build_kit(pathlib.Path({str(state / "kit")!r})).path)
"""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stderr
    state.chmod(0o711)
    with busybox_session(Path(done.stdout.strip())) as session:
        assert session.ssh("echo works").stdout == "works\n", session.log
        rss = session.gateway.call(call="ping")["rss_bytes"]
        assert isinstance(rss, int) and rss < 15 << 20


def test_the_kit_says_what_its_sshd_needs_and_what_it_takes(kit: Kit) -> None:
    """Asked of the real sshd; since OpenSSH 9.8 it needs its helpers, and from 10.6 on it can be told of /tmp."""
    said = (kit.path / "sshd_config").read_text()
    for option, name in (("SshdSessionPath", "sshd-session"), ("SshdAuthPath", "sshd-auth")):
        there = (kit.path / "bin" / name).exists()
        assert (f"{option} {layout.KIT_BIN}/{name}\n" in said) == there
    assert {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"} <= kit.key_types


def test_forwarded_agents_have_their_sockets_in_tmp(session: BusyboxSession) -> None:
    """Not in ~/.ssh, which may be a folder that other sessions have, too, or one that cannot be written."""
    with tempfile.TemporaryDirectory() as directory:
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{directory}/agent"], stdout=subprocess.DEVNULL)
        try:
            wait_until(Path(directory, "agent").exists)
            done = session.ssh(
                "echo $SSH_AUTH_SOCK; cd ${SSH_AUTH_SOCK%/*}; pwd -P",
                options=("-A",),
                env={**os.environ, "SSH_AUTH_SOCK": f"{directory}/agent"},
            )
        finally:
            agent.terminate()
            agent.wait()
    socket, place = done.stdout.split()
    assert place.startswith("/tmp"), (socket, session.log)
    assert not (session.home / ".ssh" / "agent").exists()
